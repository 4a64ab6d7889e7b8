"""Is this board fit? Each line has a verdict and what to do; a deployment refuses a board that is not fit."""

from dataclasses import replace

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.deployment import doctor
from portal.devices import fitness, probe, services
from portal.devices.models import Device
from portal.jobs.models import Status
from tests.devices.boards import PROFILE, needs_convert_environment
from tests.devices.live import BEFORE, execute, text

FIT = {
    "python": "3.11.2", "library": "lockzhiner_vision_module", "library_version": "0.0.6", "problems": [],
    "disk_free": 2**30, "memory_free": 2**27, "writable": True, "compatible": ["rockchip,rv1106"],
    "runtime": "librknnmrt version: 2.3.2 (429f97ae6b)", "npu_driver": "RKNPU driver: v0.9.2",
    "clock_offset": 2, "celsius": 48.0,
}  # fmt: skip
FAULTS = {
    "python": ({"python": "3.6.9"}, "refused", "too old: install Python 3.8"),
    "library": ({"library": None, "library_problem": "No library: install it."}, "refused", "No library"),
    "writable": ({"writable": False}, "refused", "read-only at slipway: mount it for writing"),
    "space": ({"disk_free": 2**20}, "refused", "Only 1 MB are free on the board"),
    "memory": ({"memory_free": 2**20}, "refused", "Only 1 MB of memory are free"),
    "chip": ({"compatible": ["radxa,rock5b", "rockchip,rk3588"]}, "refused", "has the chip rk3588"),
    "clock": ({"clock_offset": -56 * 365 * 86400}, "warning", "off by 20440 d"),
    "temperature": ({"celsius": 120.0}, "warning", "hotter than 100"),
    "runtime": ({"runtime": None}, "unknown", ""),
    "npu-driver": ({"npu_driver": None}, "unknown", ""),
}


def line(name, facts):
    return next(found for found in fitness.of_probe(facts, PROFILE) if found.name == name)


def test_a_board_that_has_all_is_fit():
    lines = fitness.of_probe(FIT, PROFILE)
    assert {found.verdict for found in lines} == {"fit"}
    fitness.refuse_unless_fit(lines)


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_has_a_verdict_and_says_what_to_do(name):
    changes, verdict, words = FAULTS[name]
    found = line(name, FIT | changes)
    assert found.verdict == verdict and words in str(found.advice)
    lines = fitness.of_probe(FIT | changes, PROFILE)
    assert fitness.worst(lines) == verdict
    if verdict == "refused":
        with pytest.raises(fitness.Unfit, match=words):
            fitness.refuse_unless_fit(lines)


def test_what_a_board_does_not_tell_is_no_reason_to_refuse_it():
    silent = {"python": "3.11.2", "problems": []}
    assert fitness.worst(fitness.of_probe(silent, PROFILE)) == "unknown"


RUNTIMES = {
    "too old for the form": ("librknnrt version: 1.4.0 (a10f)", 6, "refused", "Invalid RKNN model version 6"),
    "older than the toolkit": ("librknnrt version: 2.2.0 (c195)", 6, "warning", "if the golden images fail"),
    "as old as the toolkit": ("librknnrt version: 2.3.2 (429f)", 6, "fit", ""),
    "newer": ("librknnmrt version: 2.5.0", 0x1004, "fit", ""),
    "not known": (None, 6, "unknown", ""),
    "without a number": ("librknnrt.so of unknown version", 6, "unknown", ""),
}


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_model_is_compared_with_the_runtime_before_it_is_sent(name):
    runtime, form, verdict, words = RUNTIMES[name]
    found = doctor.of_model({"runtime": runtime}, doctor.Header(form, "2.3.2"))
    assert found.verdict == verdict and words in str(found.advice)


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (b"RKNN\0\0\0\0" + (6).to_bytes(8, "little") + b'x{"version":"2.3.2"}', doctor.Header(6, "2.3.2")),
        (b"RKNN\0\0\0\0" + (0x1004).to_bytes(8, "little"), doctor.Header(0x1004, "")),
        (b"RKNN", doctor.Header(None, "")),
        (b"", doctor.Header(None, "")),
    ],
)
def test_the_header_of_a_model_is_read_whatever_it_is(tmp_path, content, header):
    (tmp_path / "model.rknn").write_bytes(content)
    assert doctor.header_of(tmp_path / "model.rknn") == header


ORDERS = {
    "writable": (
        {"files": {probe.MOUNTS: "/dev/root / ext4 ro 0 0"}, "disk_quota_bytes": 2**30},
        "refused",
    ),
    "memory": ({"files": {"/proc/meminfo": "MemTotal: 200000 kB\nMemAvailable: 900 kB"}}, "refused"),
    "chip": ({"files": {probe.COMPATIBLE: "radxa,rock5b\0rockchip,rk3588\0"}}, "refused"),
    "python": ({"no_python": True}, "refused"),
    "library": ({"no_library": True}, "refused"),
    "clock": ({"clock_offset": -1_700_000_000}, "warning"),
    "temperature": ({"files": {"/sys/class/thermal/thermal_zone0/temp": "121000"}}, "warning"),
    "npu-driver": ({"files": {"/proc/rknpu/version": "RKNPU driver: v0.9.2"}}, "fit"),
    "runtime": ({"runtime": "2.3.2"}, "fit"),
}


@pytest.mark.ssh
@needs_convert_environment
@pytest.mark.parametrize("name", ORDERS)
def test_a_virtual_board_plays_each_fault(renewed_board, name):
    orders, verdict = ORDERS[name]
    renewed_board.order(**orders)
    with renewed_board.connect() as connection:
        found = line(name, probe.probe(connection, replace(PROFILE, root="slipway")))
    assert found.verdict == verdict, found


@pytest.mark.django_db
def test_a_board_that_does_not_tell_everything_is_fit_as_far_as_is_known(seed, alices):
    device = seed.device(profile="virtual", probe={"python": "3.11.2", "problems": []})
    page = text(alices, reverse("device-fitness", args=[device.pk]))
    assert "Fit, as far as is known" in page and "Not checked yet" not in page


@pytest.mark.ssh
@needs_convert_environment
@pytest.mark.django_db(transaction=True)
class TestDeployments:
    def test_a_board_that_is_not_fit_is_sent_nothing(self, alices, renewed_board, rows):
        renewed_board.order(files={probe.COMPATIBLE: "rockchip,rk3588\0"})
        job = execute(rows.started("Second").job)
        assert job.status == Status.FAILED and "has the chip rk3588" in job.message
        assert renewed_board.holds() == ([BEFORE], BEFORE)
        page = text(alices, reverse("device-fitness", args=[rows.device.pk]))
        assert "has the chip rk3588" in page and "Not fit" in page

    def test_page_and_api_tell_what_the_last_probe_found(self, alices, renewed_board, rows, alice):
        page = reverse("device-fitness", args=[rows.device.pk])
        assert "Not connected yet." in text(alices, page)
        renewed_board.order(clock_offset=-1_700_000_000)
        execute(services.start_probe(rows.device, alice))
        assert " d off" in text(alices, page)
        api = APIClient()
        api.force_authenticate(alice)
        found = api.get(f"/api/v1/devices/{rows.device.pk}/fitness/").json()
        checks = {check["name"]: check for check in found["checks"]}
        assert found["verdict"] == "warning" and checks["clock"]["verdict"] == "warning"
        assert checks["python"]["verdict"] == "fit" and checks["writable"]["verdict"] == "fit"
        Device.objects.update(profile="gone")
        assert api.get(f"/api/v1/devices/{rows.device.pk}/fitness/").json()["checks"] == []
