"""A rollout brings a model to many boards in waves, halts, pauses and goes back."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.deployment import policies
from portal.deployment.gate import GateRefused
from portal.deployment.models import Deployment
from portal.devices.models import Device
from portal.jobs import hooks
from portal.jobs.models import IllegalTransition, Job, Status
from portal.rollouts import engine, planning, services
from portal.rollouts.models import BoardState, Group, Rollout, RolloutStatus, board_of
from portal.rollouts.planning import RolloutError, Wave
from portal.teams.models import AuditEntry, Team
from tests.graphs import model_of

pytestmark = pytest.mark.django_db


ENGINE = "virtual: fake"


class Fleet:
    """Boards and two models of one dataset; what a worker would do is done by hand."""

    def __init__(self, seed, count: int):
        self.seed, version = seed, seed.version()
        self.runs = [seed.run(version, name) for name in ("Old", "New")]
        for run in self.runs:
            seed.train(run)
        self.old, self.new = (seed.convert(run) for run in self.runs)
        self.boards = [
            seed.device(
                f"Board {n:03}", "virtual", host=f"10.0.0.{n}", probe={"engine": ENGINE}, probe_job=None
            )
            for n in range(count)
        ]

    @property
    def model(self):
        return model_of(self.runs[1])

    def start(self, user, *waves, **more) -> Rollout:
        devices = more.pop("devices", self.boards)
        rollout = services.create(self.model, user, name="", devices=devices, waves=waves, **more)
        engine.advance(rollout.pk)
        return rollout

    def end(self, *, fail=(), lost=()) -> list[str]:
        """End every job on a board; return the boards' names."""
        jobs = Job.objects.filter(kind="deploy", status__in=(Status.QUEUED, Status.RUNNING)).order_by("pk")
        names = []
        for job in jobs.select_related("deployment__device"):
            device = job.deployment.device
            names.append(device.name)
            bad = device.name in (*fail, *lost)
            if job.status == Status.QUEUED:
                job.move_to(Status.RUNNING, "taken")
            if device.name in lost:
                Device.objects.filter(pk=device.pk).update(lost_at=timezone.now(), problem="No answer.")
            if not bad:
                self.becomes_current(job.deployment)
            job.move_to(Status.FAILED if bad else Status.SUCCEEDED, message="It broke." if bad else "")
            hooks.ended(job)
        return names

    def becomes_current(self, deployment) -> None:
        source = deployment.source or deployment
        deployment.release = source.release or f"release-{source.pk}"
        deployment.activated_at = timezone.now()
        deployment.save()
        row = Device.objects.get(pk=deployment.device_id)
        known = {one["id"] for one in row.probe.get("releases", [])} | {deployment.release}
        row.probe = {"engine": ENGINE, "releases": [{"id": name, "activated": 1} for name in sorted(known)]}
        row.reported_release, row.reported_at = deployment.release, timezone.now()
        row.save()

    def finish(self) -> None:
        while self.end():
            pass


def fleet_of(seed, count) -> Fleet:
    return Fleet(seed, count)


def states(rollout) -> list[str]:
    return [str(target.state) for target in rollout.targets.order_by("device__name")]


def now(rollout) -> Rollout:
    return Rollout.objects.get(pk=rollout.pk)


# --- waves ------------------------------------------------------------------------------------


def test_waves_follow_each_other_and_the_rollout_ends(seed, alice):
    fleet = fleet_of(seed, 8)
    rollout = fleet.start(alice, Wave(boards=1), Wave(percent=50), at_once=10)
    assert fleet.end() == ["Board 000"]
    assert fleet.end() == ["Board 001", "Board 002", "Board 003"]
    assert len(fleet.end()) == 4
    assert (now(rollout).status, set(states(rollout))) == ("succeeded", {"succeeded"})
    assert not rollout.targets.filter(live=True).exists()


def test_no_more_boards_than_allowed_are_changed_at_once(seed, alice):
    fleet = fleet_of(seed, 5)
    rollout = fleet.start(alice, at_once=2)
    for _ in range(2):
        assert Job.objects.filter(kind="deploy", status=Status.QUEUED).count() == 2
        engine.advance(rollout.pk)
        fleet.end()
    assert len(fleet.end()) == 1
    assert now(rollout).status == RolloutStatus.SUCCEEDED


def test_a_wave_can_be_a_group(seed, alice, team):
    fleet = fleet_of(seed, 4)
    group, _ = services.put_group(team, alice, name="Hall", devices=fleet.boards[2:])
    rollout = fleet.start(alice, Wave(group=group.pk), at_once=9)
    assert fleet.end() == ["Board 002", "Board 003"]
    assert fleet.end() == ["Board 000", "Board 001"]
    assert now(rollout).status == RolloutStatus.SUCCEEDED


def test_a_wave_of_which_too_many_fail_halts_and_starts_no_more(seed, alice):
    fleet = fleet_of(seed, 9)
    rollout = fleet.start(alice, Wave(boards=6), may_fail=0.2, at_once=2)
    fleet.end(fail=["Board 000", "Board 001"])
    assert (fleet.end(), fleet.end()) == (["Board 002"], []), "what is under way finishes"
    found = now(rollout)
    assert found.status == RolloutStatus.HALTED
    assert found.message.startswith("2 of 6 boards of wave 1 failed; 1 may fail. Check why each one failed")
    assert states(rollout)[:4] == ["failed", "failed", "succeeded", "waiting"]


def test_a_share_of_failures_that_is_allowed_does_not_halt(seed, alice):
    fleet = fleet_of(seed, 6)
    rollout = fleet.start(alice, may_fail=0.34, at_once=9)
    fleet.end(fail=["Board 000", "Board 001"])
    assert now(rollout).status == RolloutStatus.SUCCEEDED


def test_a_halted_rollout_continues_if_people_accept_the_failures(seed, alice):
    fleet = fleet_of(seed, 3)
    rollout = fleet.start(alice, at_once=1)
    fleet.end(fail=["Board 000"])
    services.resume(now(rollout), alice)
    engine.advance(rollout.pk)
    fleet.finish()
    assert (now(rollout).status, states(rollout)) == ("succeeded", ["failed", "succeeded", "succeeded"])


def test_the_next_wave_waits_for_approval(seed, alice):
    fleet = fleet_of(seed, 3)
    rollout = fleet.start(alice, Wave(boards=1), needs_approval=True, at_once=9)
    fleet.end()
    assert now(rollout).status == RolloutStatus.WAITING and fleet.end() == []
    services.approve(now(rollout), alice)
    engine.advance(rollout.pk)
    assert len(fleet.end()) == 2
    assert AuditEntry.objects.filter(verb="rollout.approve").count() == 1


def test_the_next_wave_waits_for_the_end_of_the_pause(seed, alice):
    fleet = fleet_of(seed, 2)
    rollout = fleet.start(alice, Wave(boards=1), pause_minutes=30)
    fleet.end()
    engine.sweep()
    assert fleet.end() == []
    Rollout.objects.filter(pk=rollout.pk).update(resumes_at=timezone.now() - timedelta(seconds=1))
    engine.sweep()
    assert fleet.end() == ["Board 001"]


# --- people -----------------------------------------------------------------------------------


def test_paused_it_starts_nothing_until_it_is_resumed(seed, alice):
    fleet = fleet_of(seed, 3)
    rollout = fleet.start(alice, at_once=1)
    services.pause(now(rollout), alice)
    assert fleet.end() == ["Board 000"] and fleet.end() == []
    services.resume(now(rollout), alice)
    engine.advance(rollout.pk)
    fleet.finish()
    assert now(rollout).status == RolloutStatus.SUCCEEDED


def test_aborted_it_lets_boards_under_way_finish_and_frees_the_others(seed, alice):
    fleet = fleet_of(seed, 3)
    rollout = fleet.start(alice, at_once=1)
    Job.objects.get(kind="deploy").move_to(Status.RUNNING, "taken")
    services.abort(now(rollout), alice)
    assert states(rollout) == ["running", "skipped", "skipped"]
    fleet.end()
    assert states(rollout) == ["succeeded", "skipped", "skipped"]
    assert not rollout.targets.filter(live=True).exists()
    assert fleet.start(alice, devices=fleet.boards[1:]).pk


def test_undo_brings_every_board_back_to_what_it_ran(seed, alice):
    fleet = fleet_of(seed, 3)
    for board in fleet.boards[:2]:
        fleet.becomes_current(seed.deploy(fleet.runs[0], fleet.old, board))
    rollout = fleet.start(alice, at_once=9)
    fleet.finish()
    services.undo(now(rollout), alice)
    engine.advance(rollout.pk)
    fleet.finish()
    found = now(rollout)
    assert (found.status, states(rollout)) == ("undone", ["rolled-back", "rolled-back", "failed"])
    back = Deployment.objects.exclude(source=None)
    assert {row.compiled_model_id for row in back} == {fleet.old.pk} and back.count() == 2
    assert rollout.targets.get(state="failed").message == "Nothing that Slipway deployed ran there before."


def test_what_a_state_does_not_allow_is_refused_with_a_sentence(seed, alice):
    rollout = fleet_of(seed, 1).start(alice)
    allowed = {"pause": "running waiting", "resume": "paused halted", "approve": "waiting",
               "abort": "running waiting paused halted undoing"}  # fmt: skip
    for status in RolloutStatus:
        for verb, good in allowed.items():
            Rollout.objects.filter(pk=rollout.pk).update(status=status)
            if status not in good.split():
                with pytest.raises(IllegalTransition, match="which does not allow this"):
                    getattr(services, verb)(rollout, alice)


def test_two_people_cannot_roll_out_to_the_same_boards(seed, alice):
    fleet = fleet_of(seed, 3)
    fleet.start(alice, devices=fleet.boards[:2])
    with pytest.raises(IllegalTransition, match=r"Another rollout has these boards: Board 001 \(New\)"):
        fleet.start(alice, devices=fleet.boards[1:])
    assert Rollout.objects.count() == 1


def test_two_devices_of_one_address_are_one_board_for_rollouts(seed, alice):
    fleet = fleet_of(seed, 2)
    twin = seed.device("Twin", "virtual", host="10.0.0.0", probe={"engine": ENGINE}, probe_job=None)
    rollout = fleet.start(alice, devices=[*fleet.boards, twin], at_once=9)
    assert rollout.targets.get(state="skipped").message.startswith("It has the same address as Board 000")
    with pytest.raises(IllegalTransition, match=r"Another rollout has these boards: Board 000 \(New\)"):
        fleet.start(alice, devices=[twin])
    with pytest.raises(IntegrityError), transaction.atomic():  # whoever asks at the same moment
        rollout.targets.filter(device=twin).update(live=True)


def test_a_device_of_another_team_with_the_same_address_keeps_nobody_from_a_rollout(seed, alice):
    fleet = fleet_of(seed, 1)
    other = Team.objects.create(name="Dock workers")
    twin = seed.device("Twin", "virtual", host="10.0.0.0", team=other)
    assert board_of(twin) != board_of(fleet.boards[0])


# --- boards -----------------------------------------------------------------------------------


def test_a_board_that_is_away_is_caught_up_when_it_is_back(seed, alice):
    fleet = fleet_of(seed, 2)
    rollout = fleet.start(alice, at_once=9)
    fleet.end(lost=["Board 000"])
    assert (now(rollout).status, states(rollout)) == ("running", ["away", "succeeded"])
    Device.objects.update(lost_at=None)
    rollout.targets.filter(state="away").update(again_at=timezone.now())
    engine.sweep()
    fleet.finish()
    assert (now(rollout).status, states(rollout)) == ("succeeded", ["succeeded", "succeeded"])


def test_a_board_that_stays_away_is_given_up_at_the_deadline(seed, alice):
    fleet = fleet_of(seed, 2)
    rollout = fleet.start(alice, at_once=9)
    fleet.end(lost=["Board 000"])
    Rollout.objects.update(deadline=timezone.now())
    engine.sweep()
    assert now(rollout).status == RolloutStatus.SUCCEEDED
    assert "away until the rollout's deadline" in rollout.targets.get(state="failed").message


def test_a_board_whose_host_key_changed_stops_alone(seed, alice):
    fleet = fleet_of(seed, 3)
    rollout = fleet.start(alice, may_fail=0.5, at_once=1)
    fleet.end(fail=["Board 000"])
    fleet.finish()
    assert (now(rollout).status, states(rollout)) == ("succeeded", ["failed", "succeeded", "succeeded"])


def test_boards_with_other_models_or_without_a_fitting_one_are_left_alone(seed, alice):
    fleet = fleet_of(seed, 3)
    other = seed.run(seed.version("Leaves"), "Leaves")
    seed.train(other)
    fleet.becomes_current(seed.deploy(other, seed.convert(other), fleet.boards[0]))
    fleet.becomes_current(seed.deploy(fleet.runs[1], fleet.new, fleet.boards[1]))
    odd = seed.device("Odd", "gone")
    rollout = fleet.start(alice, devices=[*fleet.boards, odd])
    assert states(rollout) == ["skipped", "skipped", "running", "skipped"]
    told = [target.message for target in rollout.targets.filter(state="skipped").order_by("device__name")]
    assert told == [
        "It runs a model of another dataset: Leaves.", "It runs this model already.",
        "The model is not compiled for this board.",
    ]  # fmt: skip
    with pytest.raises(RolloutError, match="No board would be changed"):
        fleet.start(alice, devices=[odd])


def test_boards_start_only_in_their_window_and_time_zone(seed, alice, team):
    fleet = fleet_of(seed, 2)
    services.put_group(team, alice, name="Shanghai", devices=fleet.boards[:1], time_zone="Asia/Shanghai")
    rollout = fleet.start(alice, opens=time(2), closes=time(4), at_once=9)
    near, far = rollout.targets.order_by("device__name")
    early = datetime(2026, 11, 29, 18, 30, tzinfo=UTC)  # 02:30 the next day in Shanghai
    assert engine.is_open(rollout, near, early) and not engine.is_open(rollout, far, early)
    rollout.opens, rollout.closes = time(22), time(4)  # over midnight
    assert engine.is_open(rollout, far, early.replace(hour=23)) and not engine.is_open(rollout, far, early)


# --- plans ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wave"),
    [("3", Wave(boards=3)), (" 25 % ", Wave(percent=25)), ("100%", Wave(percent=100))],
)
def test_waves_are_read_as_people_write_them(text, wave):
    assert planning.parse_wave(text, []) == wave


@pytest.mark.parametrize("text", ["", "0", "-1", "101%", "9" * 500, "Hall", "1.5"])
def test_a_wave_that_makes_no_sense_is_refused(text):
    with pytest.raises(RolloutError, match="A wave is a number of boards"):
        planning.parse_wave(text, [])


def test_a_policy_stops_the_whole_rollout_unless_there_is_a_reason(seed, alice, team):
    fleet = fleet_of(seed, 1)
    policies.put(team, alice, task="classification", fail_under=1.0)
    with pytest.raises(GateRefused):
        fleet.start(alice)
    fleet.start(alice, override="The line waits.")
    assert Deployment.objects.get().override == "The line waits."


def test_a_time_zone_that_does_not_exist_is_refused(alice, team):
    with pytest.raises(RolloutError, match="no time zone Moon/Crater"):
        services.put_group(team, alice, name="Hall", devices=[], time_zone="Moon/Crater")
    assert not Group.objects.exists()


def test_a_round_takes_the_same_queries_for_many_boards(seed, alice, django_assert_max_num_queries):
    fleet = fleet_of(seed, 30)
    rollout = fleet.start(alice, at_once=1)
    with django_assert_max_num_queries(20):
        engine.advance(rollout.pk)
    assert rollout.targets.filter(state=BoardState.DEPLOYING).count() == 1
