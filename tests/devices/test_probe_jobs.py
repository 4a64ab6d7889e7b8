"""Probes as the portal runs them: rows, job machine and pages, against a virtual board's process."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.urls import reverse
from django.utils.html import escape

from portal.devices import services
from portal.devices.services import Credentials
from portal.jobs.models import IllegalTransition, Job, Status
from tests.devices.boards import needs_convert_environment
from tests.devices.live import BEFORE, change_access, check_sentence, check_told, execute, text
from tests.ports import free_port

pytestmark = [pytest.mark.ssh, needs_convert_environment, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def probe(rows, alice):
    """Probe the device and return the job at its end."""

    def run() -> Job:
        rows.device.refresh_from_db()
        return execute(services.start_probe(rows.device, alice))

    return run


def test_a_probe_tells_what_the_board_is_and_what_is_on_it(alices, rows, probe):
    assert probe().status == Status.SUCCEEDED
    rows.device.refresh_from_db()
    assert rows.device.probe["current"] == BEFORE
    assert rows.device.problem == "" and rows.device.seen_at
    assert "lockzhiner_vision_module" in text(alices, reverse("device-detail", args=[rows.device.pk]))


CHANGES = {
    "unreachable": ({"port": free_port}, "refused the connection: check the port"),
    "wrong password": (
        {"credentials": lambda: Credentials(password="guess")},
        "refused the password of user root: correct the user name",
    ),
    "wrong user": ({"username": lambda: "admin"}, "refused the password of user admin"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_wrong_on_the_way_is_reported_and_gone_after_it_is_fixed(
    alices, renewed_board, rows, probe, name
):
    changes, words = CHANGES[name]
    change_access(rows.device, **{key: make() for key, make in changes.items()})
    check_told(alices, probe(), rows.device, words)
    change_access(rows.device, port=renewed_board.state["port"], username="root")
    assert probe().status == Status.SUCCEEDED
    rows.device.refresh_from_db()
    assert rows.device.problem == ""


def test_a_changed_host_key_is_told_with_both_keys_and_a_way_to_compare_them(
    alices, renewed_board, rows, probe
):
    pinned = renewed_board.state["host_key"]
    renewed_board.order(other_host_key=True)
    told = check_told(alices, probe(), rows.device, "another host key than the one pinned")
    assert pinned in told and renewed_board.state["host_key"] in told
    assert "Compare the keys" in text(alices, reverse("device-detail", args=[rows.device.pk]))


def test_a_dropped_connection_keeps_what_the_last_probe_found(alices, renewed_board, rows, probe):
    probe()
    renewed_board.order(drop={"match": "exec df"})
    check_told(alices, probe(), rows.device, "broke while running df: check its power")
    rows.device.refresh_from_db()
    assert rows.device.probe["current"] == BEFORE


def test_another_encryption_key_asks_for_the_credentials_again(alices, rows, probe, settings):
    settings.ENCRYPTION_KEY = Fernet.generate_key().decode()
    check_told(alices, probe(), rows.device, "enter them again on the device's page")


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        ({"no_python": True}, "has no command python: install Python 3.8"),
        ({"no_library": True}, "install the vendor's SDK"),
    ],
    ids=["no Python", "no vendor library"],
)
def test_what_a_board_lacks_is_a_problem_on_its_page_and_in_the_api(
    alices, renewed_board, rows, probe, orders, words
):
    renewed_board.order(**orders)
    assert probe().status == Status.SUCCEEDED, "the probe itself went well"
    (problem,) = alices.get(f"/api/v1/devices/{rows.device.pk}/").json()["probe"]["problems"]
    assert words in problem
    check_sentence(problem)
    assert escape(problem) in text(alices, reverse("device-detail", args=[rows.device.pk]))


def test_two_that_ask_at_once_share_one_probe(rows, alice):
    first = services.start_probe(rows.device, alice)
    other = type(rows.device).objects.get(pk=rows.device.pk)
    stale = type(rows.device)(pk=rows.device.pk, team=rows.team)
    assert services.start_probe(other, alice) == services.start_probe(stale, alice) == first
    assert Job.objects.filter(kind="probe").count() == 1


def test_a_device_that_a_queued_job_waits_for_is_not_removed(rows, alice):
    deployment = rows.started("Waiting")
    with pytest.raises(IllegalTransition, match=f"busy with job {deployment.job.pk}: cancel it first"):
        services.delete(rows.device)
