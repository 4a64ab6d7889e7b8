"""A rollout over boards of several sites: those of a site that nobody serves wait, and hold up no other."""

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.devices.models import Device
from portal.jobs.models import Job, Status, Worker
from portal.rollouts import engine
from portal.rollouts.models import BoardState, Target
from portal.rollouts.planning import Wave
from tests.rollouts.test_engine import Fleet

pytestmark = pytest.mark.django_db
UNSERVED = "No worker serves the site harbour"


def serve(*queues):
    now = timezone.now()
    return Worker.objects.create(name="w@h", host="h", queues=list(queues), started_at=now, seen_at=now)


def states(rollout):
    return dict(Target.objects.filter(rollout=rollout).values_list("device__name", "state"))


@pytest.fixture
def fleet(seed):
    made = Fleet(seed, 2)
    Device.objects.filter(pk=made.boards[0].pk).update(site="harbour")
    made.boards[0].refresh_from_db()
    return made


def test_boards_of_an_unserved_site_are_put_off_and_take_no_place(fleet, alice):
    rollout = fleet.start(alice, Wave(boards=2), at_once=1)
    engine.advance(rollout.pk)
    assert states(rollout) == {"Board 000": BoardState.AWAY, "Board 001": BoardState.DEPLOYING}
    assert UNSERVED in Target.objects.get(device__name="Board 000").message
    serve("deploy.harbour")
    Target.objects.update(again_at=timezone.now() - timedelta(seconds=1))
    fleet.end()
    assert states(rollout)["Board 000"] == BoardState.DEPLOYING
    assert Job.objects.get(kind="deploy", status=Status.QUEUED).queue == "deploy.harbour"
    fleet.end()
    rollout.refresh_from_db()
    assert set(states(rollout).values()) == {BoardState.DONE} and rollout.status == "succeeded"


def test_the_same_address_at_two_sites_is_two_boards_of_a_rollout(fleet, alice):
    serve("deploy.harbour")
    Device.objects.update(host="10.1.1.144")
    rollout = fleet.start(alice, devices=list(Device.objects.all()), at_once=2)
    assert set(states(rollout).values()) == {BoardState.DEPLOYING}
    assert Target.objects.values("board").distinct().count() == 2


def test_a_deployment_that_nobody_at_the_site_takes_is_called_off(fleet, alice):
    worker = serve("deploy.harbour")
    rollout = fleet.start(alice, Wave(boards=2), at_once=1)
    assert states(rollout)["Board 000"] == BoardState.DEPLOYING
    worker.delete()
    engine.advance(rollout.pk)
    assert states(rollout) == {"Board 000": BoardState.AWAY, "Board 001": BoardState.DEPLOYING}
    assert Job.objects.get(queue="deploy.harbour").status == Status.CANCELLED
