"""Whose turn it is, and how administrators change it."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.datasets.services import create_version
from portal.devices.models import Device, Inference
from portal.jobs import scheduler, services
from portal.jobs.models import IllegalTransition, Job, Priority, Status
from portal.teams import quotas
from portal.teams.models import AuditEntry, Quota
from tests.factories import class_zip
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def wait(team, alice):
    """Call it to queue trainings; they take no message along."""

    def queue(count=1, of=team, **fields):
        fields = {"kind": "train", "queue": "train", "created_by": alice} | fields
        return [Job.objects.create(team=of, **fields) for _ in range(count)]

    return queue


@pytest.fixture
def other(charlie):
    return charlie.memberships.get().team


def taken(count, queue="train"):
    """The next jobs that workers take, each ending at once."""
    found = []
    for _ in range(count):
        job = scheduler.claim_next(queue, "w")
        found.append(job.pk if job else None)
        if job:
            job.move_to(Status.SUCCEEDED)
    return found


def pks(jobs):
    return [job.pk for job in jobs]


def test_jobs_are_taken_in_the_order_in_which_they_came(wait):
    jobs = wait(3)
    assert taken(4) == [*pks(jobs), None]


def test_a_higher_priority_is_taken_first_and_a_lower_one_last(wait):
    one, two, three = wait(3)
    scheduler.set_priority(one, Priority.LOW)
    scheduler.set_priority(three, Priority.HIGH)
    assert taken(3) == pks([three, two, one])


@pytest.mark.parametrize(
    ("index", "to", "order"),
    [
        (2, "first", [2, 0, 1, 3]),
        (2, "up", [0, 2, 1, 3]),
        (1, "down", [0, 2, 1, 3]),
        (0, "last", [1, 2, 3, 0]),
        (0, "up", [0, 1, 2, 3]),
        (3, "down", [0, 1, 2, 3]),
    ],
)
def test_a_job_is_moved(wait, index, to, order):
    jobs = wait(4)
    scheduler.move(jobs[index], to)
    assert pks(scheduler.waiting("train")) == [jobs[number].pk for number in order]


def test_moving_passes_a_higher_priority_by_taking_it(wait):
    high, normal = wait(2)
    scheduler.set_priority(high, Priority.HIGH)
    scheduler.move(normal, "first")
    assert pks(scheduler.waiting("train")) == pks([normal, high])
    assert normal.priority == Priority.HIGH


def test_jobs_of_one_microsecond_can_be_moved_apart(wait):
    jobs = wait(3, place=7)
    scheduler.move(jobs[2], "first")
    assert pks(scheduler.waiting("train")) == pks([jobs[2], jobs[0], jobs[1]])


def test_what_was_moved_is_in_the_audit_and_a_running_job_cannot_be(wait):
    one, two = wait(2)
    scheduler.move(two, "up")
    assert AuditEntry.objects.filter(verb="job.move", object_id=two.pk, detail="up").exists()
    two.move_to(Status.RUNNING)
    for act in (lambda: scheduler.move(two, "up"), lambda: scheduler.set_priority(two, 1)):
        with pytest.raises(IllegalTransition, match="only a queued job"):
            act()


def test_a_hundred_jobs_of_one_team_hold_up_no_other(wait, other):
    wait(100)
    (late,) = wait(of=other)
    first, second = taken(2)
    assert second == late.pk and first != late.pk


def test_a_team_that_has_fewer_running_comes_first(wait, other):
    one, two, _ = wait(3)
    mine = wait(2, of=other)
    Job.objects.filter(pk=one.pk).update(status=Status.RUNNING)
    assert scheduler.claim_next("train", "w").pk == mine[0].pk, "it has none running"
    assert scheduler.claim_next("train", "w").pk == two.pk, "both have one: theirs began last"


def test_priorities_of_one_team_do_not_pass_another(wait, other):
    wait(2)
    (theirs,) = wait(of=other)
    for job in Job.objects.filter(team=theirs.team):
        scheduler.set_priority(job, Priority.HIGH)
    assert taken(1) != [theirs.pk]


def test_beyond_its_limit_a_team_waits(wait, team, other):
    quotas.set_quota(team, Quota.By.TEAM, {"running_train": 1})
    one, two = wait(2)
    (theirs,) = wait(of=other)
    assert scheduler.claim_next("train", "w").pk == one.pk
    assert scheduler.claim_next("train", "w").pk == theirs.pk
    assert scheduler.claim_next("train", "w") is None
    assert scheduler.jobs_to_start("train", 10) == []
    one.refresh_from_db()
    one.move_to(Status.SUCCEEDED)
    assert pks(scheduler.jobs_to_start("train", 10)) == [two.pk]
    assert scheduler.claim_next("train", "w").pk == two.pk


def test_two_workers_at_once_do_not_pass_the_limit(wait, team):
    quotas.set_quota(team, Quota.By.TEAM, {"running_train": 1})
    wait(4)
    start, found = threading.Barrier(4), []

    def work():
        start.wait()
        found.append(scheduler.claim_next("train", "w"))
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(job is not None for job in found) == 1


def test_a_job_for_a_busy_device_is_passed_over_and_leaves_no_mark_on_it(wait, team, alice):
    busy, free = (
        Device.objects.create(team=team, name=name, profile="virtual", host=name, host_key="k")
        for name in ("busy", "free")
    )
    running, blocked, other = wait(3, kind="probe", queue="deploy")
    for device, job in ((busy, blocked), (free, other)):
        Device.objects.filter(pk=device.pk).update(probe_job=job)
    running.move_to(Status.RUNNING)
    Device.objects.filter(pk=busy.pk).update(busy_with=running)
    assert scheduler.claim_next("deploy", "w").pk == other.pk
    assert scheduler.claim_next("deploy", "w") is None
    running.move_to(Status.SUCCEEDED)
    assert scheduler.claim_next("deploy", "w").pk == blocked.pk
    busy.refresh_from_db()
    assert busy.busy_with == blocked


def test_a_lost_job_is_resumed_at_its_old_place_and_priority(wait, team, alice):
    one = create_version(team, alice, "parts", class_zip()).job
    wait(1, kind="ingest", queue="default")
    scheduler.set_priority(one, Priority.HIGH)
    Job.objects.filter(pk=one.pk).update(
        status=Status.RUNNING, heartbeat_at=timezone.now() - timedelta(minutes=2)
    )
    one.refresh_from_db()
    services._end_lost(one, Status.FAILED)
    again = Job.objects.get(retry_of=one)
    assert (again.place, again.priority) == (one.place, Priority.HIGH)
    assert taken(1, "default") == [again.pk]


def test_more_than_the_team_may_have_waiting_is_refused_with_a_sentence(wait, team, settings):
    settings.TEAM_QUEUED_JOBS = 3
    wait(2)
    services.refuse_if_full(team)
    wait(1)
    with pytest.raises(quotas.QuotaReached, match="3 jobs of the team Harbour wait already, and at most 3"):
        services.refuse_if_full(team)


def test_the_least_of_setting_server_and_team_counts(team, settings):
    settings.TEAM_RUNNING_JOBS = 5
    quotas.set_quota(team, Quota.By.TEAM, {"running_train": 9, "running_convert": 2})
    assert quotas.limits(team).running == {"default": 5, "train": 5, "convert": 2, "deploy": 5}
    quotas.set_quota(team, Quota.By.SERVER, {"running_train": 3})
    assert quotas.limits(team).running["train"] == 3
    settings.TEAM_RUNNING_JOBS = 0
    assert quotas.limits(team).running["deploy"] is None


def waiting_for(device, team, alice, count):
    """Probes that all wait for one board."""
    jobs = [
        Job.objects.create(team=team, kind="infer", queue="deploy", created_by=alice) for _ in range(count)
    ]
    for job in jobs:
        Inference.objects.create(team=team, created_by=alice, device=device, job=job)
    return jobs


@pytest.fixture
def busy_device(team, alice):
    device = Seeder(team, alice).device()
    job = Job.objects.create(team=team, kind="probe", queue="deploy", created_by=alice, status=Status.RUNNING)
    Device.objects.filter(pk=device.pk).update(busy_with=job)
    return device


def queries_of(call):
    with CaptureQueriesContext(connection) as queries:
        answer = call()
    return len(queries), answer


def test_forty_jobs_that_wait_for_one_busy_board_cost_no_more_queries_than_four(team, alice, busy_device):
    waiting_for(busy_device, team, alice, 4)
    few = [
        queries_of(lambda: scheduler.claim_next("deploy", "w")),
        queries_of(lambda: services.wake("deploy")),
    ]
    waiting_for(busy_device, team, alice, 36)
    many = [
        queries_of(lambda: scheduler.claim_next("deploy", "w")),
        queries_of(lambda: services.wake("deploy")),
    ]
    assert [count for count, _ in many] == [count for count, _ in few]
    assert all(count < 12 and answer is None for count, answer in many)


def test_what_waits_behind_a_busy_board_is_found_at_once(team, alice, busy_device):
    waiting_for(busy_device, team, alice, 40)
    (last,) = waiting_for(Seeder(team, alice).device("Another", host="another"), team, alice, 1)
    assert pks(scheduler.jobs_to_start("deploy", 5)) == [last.pk]
    count, job = queries_of(lambda: scheduler.claim_next("deploy", "w"))
    assert job == last and count < 40


def test_checks_that_add_to_an_unchecked_version_are_passed_over_together(team, alice):
    first = create_version(team, alice, "Pets", class_zip())
    later = [create_version(team, alice, "Pets", class_zip(), options={"mode": "add"}) for _ in range(3)]
    assert pks(scheduler.jobs_to_start("default", 9)) == [first.job_id]
    Job.objects.filter(pk=first.job_id).update(status=Status.SUCCEEDED)
    assert pks(scheduler.jobs_to_start("default", 9)) == [later[0].job_id]


def test_a_team_leaves_places_for_boards_of_others(wait, other, settings):
    settings.TEAM_SLOTS = {"deploy": 3}
    wait(5, kind="probe", queue="deploy")
    (theirs,) = wait(of=other, kind="probe", queue="deploy")
    taken = [scheduler.claim_next("deploy", "w") for _ in range(5)]
    assert theirs in taken and sum(job is not None for job in taken) == 4
