"""A device whose address changes while a rollout or a deployment has it."""

import pytest

from portal.devices import services as devices
from portal.devices.credentials import Credentials
from portal.devices.models import Device
from portal.devices.moves import AddressHeld
from portal.jobs.models import Job, Status
from portal.rollouts.models import Target, board_of
from tests.rollouts.test_engine import fleet_of

pytestmark = pytest.mark.django_db
SECRET = Credentials("word")


def move(device, host):
    row = Device.objects.get(pk=device.pk)
    devices.update_access(row, host=host, credentials=SECRET)
    return row


def test_a_rollout_follows_a_board_to_its_new_address(seed, alice):
    fleet = fleet_of(seed, 2)
    fleet.start(alice, at_once=1)
    moved = move(fleet.boards[1], "10.9.9.9")
    assert Target.objects.get(device=moved, live=True).board == board_of(moved)
    assert "10.9.9.9" in board_of(moved)


def test_a_device_is_not_pointed_at_the_board_of_another_rollout(alices, seed, alice):
    fleet = fleet_of(seed, 2)
    fleet.start(alice, devices=fleet.boards[:1])
    fleet.start(alice, devices=fleet.boards[1:])
    Job.objects.filter(status=Status.RUNNING).update(status=Status.QUEUED)
    words = f"Board 000 has this address and is in the rollout {fleet.model.name}"
    with pytest.raises(AddressHeld, match=words):
        move(fleet.boards[1], "10.0.0.0")
    answer = alices.patch(
        f"/api/v1/devices/{fleet.boards[1].pk}/",
        {"host": "10.0.0.0", "password": "x"},
        content_type="application/json",
    )
    assert answer.status_code == 400 and words in answer.json()["errors"]["host"][0]
    page = {"name": "Board 001", "host": "10.0.0.0", "port": 22, "username": "root", "password": "x"}
    shown = alices.post(f"/devices/{fleet.boards[1].pk}/edit/", page)
    assert shown.status_code == 422 and "wait for its end, or abort it" in shown.content.decode()
    assert Device.objects.get(pk=fleet.boards[1].pk).host == "10.0.0.1"


def test_an_address_stays_while_a_deployment_changes_the_board(seed, alice):
    fleet = fleet_of(seed, 1)
    fleet.start(alice)
    Job.objects.get(kind="deploy", status=Status.QUEUED).move_to(Status.RUNNING, "taken")
    with pytest.raises(AddressHeld, match="is deploying to Board 000 just now: wait for its end, or cancel"):
        move(fleet.boards[0], "10.9.9.9")
    row = Device.objects.get(pk=fleet.boards[0].pk)
    devices.update_access(row, credentials=SECRET)  # a new password may be entered at any time
