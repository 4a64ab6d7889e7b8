"""Each check of a board leaves a sample; people see the last days, and hear of what stands out."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from portal.devices import health_history
from portal.devices.errors import ConnectionLost
from portal.devices.health_history import Reading
from portal.devices.models import Device, HealthSample
from portal.notify.models import Notification

pytestmark = pytest.mark.django_db
FILES = {
    "/proc/meminfo": "MemTotal: 221184 kB\nMemAvailable: 102400 kB\n",
    "/sys/class/thermal/thermal_zone0/temp": "54321",
    "/proc/loadavg": "0.42 0.30 0.20 1/90 1234",
    "/proc/uptime": "86400.12 1.0",
}
DISK = "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/root 1000000 400000 600000 40% /\n"


@dataclass
class Said:
    stdout: str
    ok: bool = True
    not_found: bool = False


class Board:
    """The outermost edge: what its two commands print."""

    def __init__(self, clock: str | None = None, disk: str = DISK, files=FILES):
        clock = str(round(timezone.now().timestamp())) if clock is None else clock
        texts = "".join(f"file {path}\n{text}\n" for path, text in files.items())
        self.said = [Said(texts), Said(f"{clock}\n{disk}")]

    def run(self, argv, **limits) -> Said:
        return self.said.pop(0)


class LostBoard:
    def run(self, argv, **limits):
        raise ConnectionLost("The board is gone.")


@pytest.fixture
def device(seed) -> Device:
    return seed.device(reported_release="", reported_at=timezone.now())


def told(event: str) -> int:
    return Notification.objects.filter(event=event, user__username="alice").count()


def runs(device, release: str) -> None:
    Device.objects.filter(pk=device.pk).update(reported_release=release)


# --- reading ----------------------------------------------------------------------------------


def test_memory_disk_temperature_load_uptime_and_clock_are_read():
    found = health_history.read(Board(), "/userdata/slipway")
    assert (found.memory_free, found.disk_free) == (102400 * 1024, 600000 * 1024)
    assert (found.celsius, found.load, found.uptime) == (54.321, 0.42, 86400)
    assert abs(found.clock_offset) <= 1


@pytest.mark.parametrize("junk", ["", "x" * 5000, "nan", "-1", "9" * 400, "\x00\xff"])
def test_what_a_board_prints_instead_is_unknown(junk):
    found = health_history.read(Board(clock=junk, disk=junk, files=dict.fromkeys(FILES, junk)), "/x")
    assert found == Reading(celsius=found.celsius, load=found.load, uptime=found.uptime)
    assert all(number is None or number < 1e9 for number in (found.load, found.uptime))


def test_a_board_that_is_lost_meanwhile_is_unknown():
    assert health_history.read(LostBoard(), "/x") == Reading()


# --- what stands out --------------------------------------------------------------------------


def test_a_release_that_the_portal_did_not_deploy_is_told_once(device):
    health_history.record(device, True)
    runs(device, "by-hand")
    for _ in range(2):
        assert health_history.record(device, True).foreign
    health_history.record(device, False)
    health_history.record(device, True)
    assert told("device.foreign") == 1
    runs(device, "by-another-hand")
    health_history.record(device, True)
    assert told("device.foreign") == 2


def test_a_release_of_the_portal_is_not_foreign(seed, device):
    run = seed.run(seed.version())
    seed.train(run)
    runs(device, seed.deploy(run, seed.convert(run), device).release)
    assert not health_history.record(device, True).foreign


@pytest.mark.parametrize(("seconds", "events"), [(0, 0), (-300, 0), (301, 1), (-1_700_000_000, 1)])
def test_a_wrong_clock_is_told_once(device, seconds, events):
    for _ in range(2):
        health_history.record(device, True, Reading(clock_offset=seconds))
    assert told("device.clock") == events


# --- history ----------------------------------------------------------------------------------


def test_old_samples_are_removed(device, settings):
    settings.DEVICE_HEALTH_DAYS = 30
    for days in (0, 29, 31):
        HealthSample.objects.create(device=device, reachable=True, at=timezone.now() - timedelta(days=days))
    health_history.sweep()
    assert HealthSample.objects.count() == 2


def test_a_long_history_is_thinned_and_ends_with_the_newest(device, django_assert_max_num_queries):
    HealthSample.objects.bulk_create(
        HealthSample(device=device, reachable=number % 2 == 0, load=number) for number in range(1001)
    )
    with django_assert_max_num_queries(4):
        found = health_history.history(device)
    assert (found.checks, found.reachable) == (1001, 501)
    assert len(found.samples) <= health_history.POINTS and found.samples[-1].load == 1000


def test_the_team_reads_it_by_api_and_page_and_nobody_else(alices, bob, charlie, device):
    health_history.record(device, True, Reading(memory_free=2**30, celsius=51.0, load=0.5, clock_offset=900))
    health_history.record(device, False)
    api = APIClient()
    api.force_authenticate(bob)
    told = api.get(f"/api/v1/devices/{device.pk}/health/?days=3").json()
    assert (told["checks"], told["reachable"], told["samples"][0]["celsius"]) == (2, 1, 51.0)
    assert api.get(f"/api/v1/devices/{device.pk}/health/?days=0").status_code == 400
    page = alices.get(f"/devices/{device.pk}/").content.decode()
    assert "50.00 % of 2 checks" in page and "more than 5 minutes off" in page
    api.force_authenticate(charlie)
    assert api.get(f"/api/v1/devices/{device.pk}/health/").status_code == 404
