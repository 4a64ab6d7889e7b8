"""One live job a board and team, however many rows it has."""

import pytest

from portal.devices.models import Device
from portal.jobs.models import Job, Status
from portal.teams.models import Team


@pytest.fixture
def a_job(team, alice):
    return lambda **fields: Job.objects.create(
        kind="probe", queue="deploy", team=team, created_by=alice, **fields
    )


@pytest.fixture
def a_device(team, alice):
    def make(name, **fields):
        fields = {"profile": "virtual", "host": "192.168.10.1", "port": 22, "team": team, **fields}
        return Device.objects.create(name=name, created_by=alice, **fields)

    return make


def test_a_second_job_waits_until_the_first_is_final(a_device, a_job):
    device, first, second = a_device("Bench"), a_job(), a_job()
    assert Device.objects.claim(device.pk, first)
    assert Device.objects.claim(device.pk, first)
    assert not Device.objects.claim(device.pk, second)
    Job.objects.filter(pk=first.pk).update(status=Status.FAILED)
    assert Device.objects.claim(device.pk, second)


def test_two_rows_of_a_team_with_one_address_are_one_board(a_device, a_job):
    one, other = a_device("Bench", host="board.local"), a_device("Again", host="Board.Local")
    assert Device.objects.claim(one.pk, a_job())
    assert not Device.objects.claim(other.pk, a_job())


def test_a_row_of_another_team_with_the_same_address_keeps_nobody_out(a_device, a_job):
    """Whoever enters an address need not be able to sign in there."""
    one = a_device("Bench", host="board.local")
    other = a_device("Theirs", host="Board.Local", team=Team.objects.create(name="Dock workers"))
    assert Device.objects.claim(other.pk, a_job())
    assert Device.objects.claim(one.pk, a_job())


def test_another_port_or_address_is_another_board(a_device, a_job):
    one, port, host = a_device("1"), a_device("2", port=2222), a_device("3", host="192.168.10.2")
    assert all(Device.objects.claim(device.pk, a_job()) for device in (one, port, host))
