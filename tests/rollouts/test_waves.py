"""No wave begins before the one before it was tested, and a pause changes nothing of that."""

import pytest
from django.utils import timezone

from portal.devices.models import Device
from portal.jobs.models import Job
from portal.rollouts import engine, services
from portal.rollouts.models import Rollout, RolloutStatus
from portal.rollouts.planning import Wave
from portal.runs import deletion
from tests.rollouts.test_engine import fleet_of, now, states

pytestmark = pytest.mark.django_db


def back(rollout):
    Device.objects.update(lost_at=None)
    rollout.targets.filter(state="away").update(again_at=timezone.now())
    engine.sweep()


def test_a_canary_that_is_away_lets_no_further_board_begin_until_it_runs_the_model(seed, alice):
    fleet = fleet_of(seed, 3)
    rollout = fleet.start(alice, Wave(boards=1), at_once=9)
    fleet.end(lost=["Board 000"])
    engine.sweep()
    assert (now(rollout).status, states(rollout)) == ("running", ["away", "waiting", "waiting"])
    assert now(rollout).message.startswith("No board of wave 1 has answered yet")
    back(rollout)
    assert fleet.end() == ["Board 000"] and len(fleet.end()) == 2
    assert (now(rollout).status, now(rollout).message) == ("succeeded", "")


def test_a_wave_of_which_no_board_answers_until_the_deadline_halts(seed, alice):
    fleet = fleet_of(seed, 3)
    rollout = fleet.start(alice, Wave(boards=1), at_once=9)
    fleet.end(lost=["Board 000"])
    Rollout.objects.update(deadline=timezone.now())
    engine.sweep()
    assert (now(rollout).status, states(rollout)) == ("halted", ["failed", "waiting", "waiting"])
    services.resume(now(rollout), alice)
    engine.advance(rollout.pk)
    fleet.finish()
    assert (now(rollout).status, states(rollout)) == ("succeeded", ["failed", "succeeded", "succeeded"])


def test_a_board_of_an_earlier_wave_that_fails_once_it_is_back_halts_too(seed, alice):
    fleet = fleet_of(seed, 4)
    rollout = fleet.start(alice, Wave(boards=2), at_once=9, needs_approval=True)
    fleet.end(lost=["Board 000"])
    services.approve(now(rollout), alice)
    back(rollout)
    fleet.end(fail=["Board 000"])
    assert now(rollout).status == RolloutStatus.HALTED
    assert now(rollout).message.startswith(
        "1 of 2 boards of wave 1 failed; 0 may fail. Check why each one failed"
    )


def test_a_pause_accepts_no_failures(seed, alice):
    fleet = fleet_of(seed, 4)
    rollout = fleet.start(alice, at_once=1, may_fail=0.25)
    fleet.end(fail=["Board 000"])
    services.pause(now(rollout), alice)
    services.resume(now(rollout), alice)
    fleet.end(fail=["Board 001"])
    assert now(rollout).message.startswith(
        "2 of 4 boards of wave 1 failed; 1 may fail. Check why each one failed"
    )


def test_a_wave_that_waits_for_approval_waits_for_it_after_a_pause_too(seed, alice):
    fleet = fleet_of(seed, 2)
    rollout = fleet.start(alice, Wave(boards=1), needs_approval=True)
    fleet.end()
    services.pause(now(rollout), alice)
    services.resume(now(rollout), alice)
    engine.advance(rollout.pk)
    assert now(rollout).status == RolloutStatus.WAITING and fleet.end() == []


def test_a_share_that_binary_fractions_miss_is_counted_as_people_count_it():
    assert (engine.allowed_of(0.29, 100), engine.allowed_of(0.2, 6), engine.allowed_of(0, 9)) == (29, 1, 0)


def test_a_board_that_waited_in_the_queue_when_a_rollout_was_aborted_did_not_fail(seed, alice):
    fleet = fleet_of(seed, 1)
    rollout = fleet.start(alice)
    services.abort(now(rollout), alice)
    engine.advance(rollout.pk)
    assert (now(rollout).status, states(rollout)) == ("aborted", ["skipped"])


def test_an_aborted_rollout_tries_no_board_again_that_goes_away_later(seed, alice):
    fleet = fleet_of(seed, 1)
    rollout = fleet.start(alice)
    rollout.targets.get().deployment.job.move_to("running", "taken")
    services.abort(now(rollout), alice)
    fleet.end(lost=["Board 000"])
    assert states(rollout) == ["failed"]


def test_a_rollout_halts_if_its_run_is_deleted_and_goes_on_once_it_is_restored(seed, alice):
    fleet = fleet_of(seed, 2)
    rollout = fleet.start(alice, at_once=1)
    fleet.end(lost=["Board 000"])
    Job.objects.filter(status="queued").latest("pk").move_to("cancelled")
    deletion.delete(fleet.runs[1], alice)
    engine.sweep()
    assert now(rollout).status == "halted" and "was deleted: restore it" in now(rollout).message
    deletion.restore(fleet.runs[1], alice)
    services.resume(now(rollout), alice)
    engine.advance(rollout.pk)
    assert now(rollout).status == "running" and now(rollout).message == ""


def test_a_wave_whose_devices_were_removed_is_passed_over(seed, alice):
    fleet = fleet_of(seed, 3)
    waves = (Wave(boards=1), Wave(boards=1))
    rollout = fleet.start(alice, *waves, needs_approval=True)
    fleet.boards[1].delete()
    fleet.end()
    assert (now(rollout).status, now(rollout).wave) == ("waiting", 3)
    fleet.boards[2].delete()
    services.approve(now(rollout), alice)
    engine.advance(rollout.pk)
    assert now(rollout).status == RolloutStatus.SUCCEEDED


def test_what_was_deployed_to_a_board_since_the_plan_is_respected_and_brought_back_by_an_undo(seed, alice):
    fleet = fleet_of(seed, 5)
    other = seed.run(seed.version("Leaves"), "Leaves")
    seed.train(other)
    fleet.becomes_current(seed.deploy(fleet.runs[0], fleet.old, fleet.boards[4]))
    rollout = fleet.start(alice, at_once=1)
    Device.objects.filter(pk=fleet.boards[4].pk).update(reported_release="alien", reported_at=timezone.now())
    fleet.becomes_current(seed.deploy(other, seed.convert(other), fleet.boards[1]))
    fleet.becomes_current(seed.deploy(fleet.runs[1], fleet.new, fleet.boards[2]))
    late = seed.deploy(fleet.runs[0], fleet.old, fleet.boards[3])
    fleet.becomes_current(late)
    fleet.finish()
    assert states(rollout) == ["succeeded", "skipped", "skipped", "succeeded", "skipped"]
    told = [row.message for row in rollout.targets.filter(state="skipped").order_by("device__name")]
    assert told == [
        "It runs a model of another dataset: Leaves.", "It runs this model already.",
        "It runs a release that Slipway does not know.",
    ]  # fmt: skip
    assert rollout.targets.get(device=fleet.boards[3]).before == late
