"""An undone rollout leaves no board behind: also one that is away brings its earlier release back."""

from datetime import time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.devices.models import Device
from portal.jobs import services as jobs
from portal.jobs.models import Job
from portal.rollouts import engine, services
from portal.rollouts.models import Rollout
from tests.rollouts.test_engine import fleet_of, now, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def rolled(seed, alice):
    """A fleet of two boards that run the new model, and the finished rollout."""
    fleet = fleet_of(seed, 2)
    for board in fleet.boards:
        fleet.becomes_current(seed.deploy(fleet.runs[0], fleet.old, board))
    return fleet, fleet.start(alice, at_once=9)


def undo(rollout, user):
    services.undo(now(rollout), user)
    engine.advance(rollout.pk)


def come_back(rollout):
    Device.objects.update(lost_at=None, reported_at=timezone.now())
    rollout.targets.filter(state="away").update(again_at=timezone.now())
    engine.sweep()


def test_a_board_that_is_away_during_the_undo_goes_back_once_it_answers(rolled, alice):
    fleet, rollout = rolled
    fleet.finish()
    undo(rollout, alice)
    fleet.end(lost=["Board 000"])
    assert (now(rollout).status, states(rollout)) == ("undoing", ["away", "rolled-back"])
    come_back(rollout)
    assert fleet.end() == ["Board 000"]
    assert (now(rollout).status, states(rollout)) == ("undone", ["rolled-back", "rolled-back"])


def test_an_undo_does_not_wait_for_the_daily_window_and_the_page_says_so(rolled, alice, client):
    fleet, rollout = rolled
    fleet.finish()
    hour = timezone.now().hour
    closed = {"opens": time((hour + 2) % 24), "closes": time((hour + 3) % 24)}
    Rollout.objects.update(**closed)
    client.force_login(alice)
    page = client.get(reverse("rollout-detail", args=[rollout.pk])).text
    assert "an undo starts at once, at any hour" in page
    undo(rollout, alice)
    assert states(rollout) == ["undoing", "undoing"]


def test_a_board_that_stays_away_is_given_up_at_a_new_deadline(rolled, alice):
    fleet, rollout = rolled
    fleet.finish()
    before = timezone.now() - timedelta(days=9)
    Rollout.objects.update(created_at=before, deadline=before + timedelta(hours=3))
    undo(rollout, alice)
    assert timedelta(hours=2) < now(rollout).deadline - timezone.now() <= timedelta(hours=3)
    fleet.end(lost=["Board 000"])
    Rollout.objects.update(deadline=timezone.now())
    engine.sweep()
    assert (now(rollout).status, states(rollout)) == ("undone", ["failed", "rolled-back"])


@pytest.mark.parametrize("switched", [True, False])
def test_a_board_that_was_lost_during_its_deployment_is_asked_what_it_runs(rolled, alice, switched):
    fleet, rollout = rolled
    lost = rollout.targets.get(device__name="Board 000").deployment
    fleet.end(lost=["Board 000"])
    undo(rollout, alice)
    fleet.finish()
    assert (now(rollout).status, states(rollout)) == ("undoing", ["away", "rolled-back"])
    if switched:
        fleet.becomes_current(lost)
    come_back(rollout)
    assert fleet.end() == (["Board 000"] if switched else [])
    assert (now(rollout).status, states(rollout)) == ("undone", ["rolled-back", "rolled-back"])


def test_a_failed_board_that_was_found_to_run_the_model_is_undone_too(rolled, alice):
    fleet, rollout = rolled
    first = rollout.targets.get(device__name="Board 000").deployment
    fleet.end(fail=["Board 000"])
    fleet.becomes_current(first)
    undo(rollout, alice)
    fleet.finish()
    assert states(rollout) == ["rolled-back", "rolled-back"]


def test_a_retried_way_back_is_a_way_back(rolled, alice):
    fleet, rollout = rolled
    fleet.finish()
    undo(rollout, alice)
    fleet.end(fail=["Board 000"])
    Rollout.objects.update(status="undoing")
    rollout.targets.update(live=True)
    jobs.retry(Job.objects.filter(status="failed").latest("pk"), alice)
    assert states(rollout)[0] == "undoing"


def test_an_undo_can_be_ended_and_taken_up_again(rolled, alice):
    fleet, rollout = rolled
    fleet.finish()
    undo(rollout, alice)
    fleet.end(lost=["Board 000"])
    services.abort(now(rollout), alice)
    assert (now(rollout).status, states(rollout)) == ("aborted", ["succeeded", "rolled-back"])
    assert not rollout.targets.filter(live=True).exists()
    come_back(rollout)
    undo(rollout, alice)
    fleet.finish()
    assert (now(rollout).status, states(rollout)) == ("undone", ["rolled-back", "rolled-back"])
