"""What runs where, what waits in which order, and when it may start."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from portal.jobs import forecast, scheduler
from portal.jobs.models import Job, Priority, Status
from portal.teams import quotas
from portal.teams.models import Membership, Quota, Role, User
from tests.seed import Seeder

pytestmark = pytest.mark.django_db


@pytest.fixture
def theirs(charlie):
    return Seeder(charlie.memberships.get().team, charlie)


@pytest.fixture
def usual(seed):
    """A check took four minutes lately; the median counts, not the one that took a day."""
    for seconds in (230, 240, 86400):
        seed.job("ingest", seconds=seconds)


def waiting(seed, count=1, kind="ingest"):
    return [seed.job(kind, status=Status.QUEUED) for _ in range(count)]


def row(job):
    return forecast.place_of([Job.objects.get(pk=job.pk)])[job.pk]


def test_a_job_starts_when_those_before_it_have_ended(seed, usual):
    seed.job("ingest", status=Status.RUNNING, seconds=60, worker="host-a:1:x")
    one, two, three = waiting(seed, 3)
    assert [row(job).position for job in (one, two, three)] == [1, 2, 3]
    assert row(one).starts_in == pytest.approx(180, abs=30)
    assert row(three).starts_in == pytest.approx(180 + 2 * 240, abs=30)
    assert row(three).ends_in == pytest.approx(180 + 3 * 240, abs=30)


def test_a_running_job_that_tells_its_progress_is_believed_more_than_what_is_usual(seed, usual):
    seed.job("ingest", status=Status.RUNNING, seconds=100, done=1, total=4)
    (one,) = waiting(seed)
    assert row(one).starts_in == pytest.approx(300, abs=30)


def test_where_nothing_is_known_nothing_is_said(seed):
    seed.job("ingest", status=Status.RUNNING, seconds=60)
    one, two = waiting(seed, 2)
    assert (row(one).position, row(two).position) == (1, 2)
    assert row(one).starts_in is None and row(two).starts_in is None


def test_a_queue_that_no_worker_takes_from_promises_nothing(seed, usual, client, alice):
    (one,) = waiting(seed)
    assert row(one).starts_in == 0
    Job.objects.filter(pk=one.pk).update(queued_at=timezone.now() - timedelta(minutes=5))
    Job.objects.filter(status=Status.SUCCEEDED).update(finished_at=timezone.now())
    assert row(one).starts_in == 0, "one has just ended"
    Job.objects.filter(status=Status.SUCCEEDED).update(finished_at=timezone.now() - timedelta(minutes=3))
    assert row(one).starts_in is None
    client.force_login(alice)
    assert "No worker takes jobs from this queue" in text(client, "job-list")


def test_a_training_is_judged_by_its_recipe(seed):
    run = seed.run(seed.version())
    seed.train(run)
    job = seed.job("train", "train", Status.QUEUED, variant=run.recipe)
    behind = seed.job("train", "train", Status.QUEUED)
    assert row(job).ends_in == pytest.approx(131, abs=1)
    Job.objects.filter(pk=job.pk).update(variant="another")
    assert row(job).ends_in is None and row(behind).starts_in is None


def test_teams_take_turns_in_the_forecast_as_they_will(seed, theirs, usual):
    mine, other = waiting(seed, 3), waiting(theirs, 1)
    Job.objects.filter(started_at__lt=timezone.now()).update(started_at=timezone.now() - timedelta(days=8))
    assert [row(job).position for job in mine] == [1, 3, 4]
    assert row(other[0]).position == 2


def test_the_forecast_is_what_the_workers_do(seed, theirs, usual):
    mine, other = waiting(seed, 4, "probe"), waiting(theirs, 3, "probe")
    scheduler.set_priority(mine[3], Priority.HIGH)
    said = sorted((row(job).position, job.pk) for job in (*mine, *other))
    done = []
    while job := scheduler.claim_next("default", "w"):
        done.append(job.pk)
        job.move_to(Status.SUCCEEDED)
    assert [pk for _, pk in said] == done


def test_beyond_its_limit_a_job_says_what_it_waits_for(seed, theirs, team, usual):
    quotas.set_quota(team, Quota.By.TEAM, {"running_default": 1})
    seed.job("ingest", status=Status.RUNNING, seconds=60)
    theirs.job("ingest", status=Status.RUNNING, seconds=120)
    one, two = waiting(seed, 2)
    assert (row(one).waits_for, row(one).limit) == ("limit", 1)
    assert row(one).starts_in == pytest.approx(180, abs=30), "their place is free sooner, and of no use"
    assert row(two).starts_in == pytest.approx(180 + 240, abs=30)


def test_a_busy_board_is_waited_for_and_another_one_passes(seed):
    seed.job("probe", "deploy", seconds=10)
    busy = seed.device("busy", probe_job=seed.job("probe", "deploy", Status.RUNNING, 4), host="10.0.0.1")
    blocked = seed.inference(busy, status=Status.QUEUED).job
    free = seed.job("probe", "deploy", Status.QUEUED)
    seed.device("free", probe_job=free, host="10.0.0.2")
    assert row(blocked).waits_for == "device"
    assert row(free).waits_for == "turn"


def test_the_queues_are_looked_up_with_the_same_number_of_queries(seed, theirs, usual):
    def count():
        with CaptureQueriesContext(connection) as found:
            forecast.queues_by_name()
        return len(found)

    waiting(seed, 2), waiting(theirs, 1)
    few = count()
    waiting(seed, 20), waiting(theirs, 20)
    assert count() == few


# --- the page and the endpoint -----------------------------------------------------------------


@pytest.fixture
def both(seed, theirs, usual):
    """A job of each team that runs, and some that wait."""
    seed.job("ingest", status=Status.RUNNING, seconds=60, worker="shed-7:1:x", phase="reading")
    theirs.user.username = "charlie-the-secret"
    theirs.user.save()
    theirs.job("ingest", status=Status.RUNNING, seconds=60, phase="their phase")
    return waiting(seed, 2) + waiting(theirs, 3)


@pytest.fixture
def dora(team):
    user = User.objects.create_user("dora")
    Membership.objects.create(team=team, user=user, role=Role.ADMIN)
    return user


def text(client, name, *args):
    return " ".join(client.get(reverse(name, args=args)).content.decode().split())


def test_the_page_shows_ones_own_jobs_and_of_others_that_there_are_some(client, alice, both):
    client.force_login(alice)
    page = text(client, "job-list")
    assert "on shed-7" in page and "reading" in page
    assert "another team's job" in page.replace("&#x27;", "'")
    assert "charlie-the-secret" not in page and "their phase" not in page
    assert "To the front" not in page, "only administrators reorder"


def test_a_jobs_page_says_its_position_and_when_it_starts(client, alice, both):
    client.force_login(alice)
    place = row(both[1])
    page = text(client, "job-detail", both[1].pk)
    assert f"position {place.position}" in page and "starts in about" in page


def test_an_administrator_moves_a_job_and_gives_it_a_priority(client, dora, both):
    client.force_login(dora)
    one, two = both[:2]
    assert "To the front" in text(client, "job-list")
    client.post(reverse("job-move", args=[two.pk]), {"to": "first"})
    assert row(two).position < row(one).position
    client.post(reverse("job-priority", args=[one.pk]), {"priority": "1"})
    assert row(one).position < row(two).position
    for nonsense in ({"to": "moon"}, {}):
        assert client.post(reverse("job-move", args=[two.pk]), nonsense).status_code == 302
    two.move_to(Status.RUNNING)
    page = client.post(reverse("job-move", args=[two.pk]), {"to": "first"}, follow=True).content.decode()
    assert "only a queued job can change its place" in page


def test_the_endpoint_tells_the_same_and_no_more(alice, dora, both):
    client = APIClient()
    client.force_authenticate(alice)
    answer = client.get("/api/v1/queue/")
    (queue,) = [one for one in answer.json() if one["queue"] == "default"]
    assert [one["mine"] for one in queue["waiting"]].count(True) == 2
    other = next(one for one in queue["running"] if not one["mine"])
    assert other["id"] is other["kind"] is other["created_by"] is other["phase"] is None
    assert "secret" not in answer.content.decode()
    client.force_authenticate(dora)
    moved = client.post(f"/api/v1/jobs/{both[1].pk}/move/", {"to": "first"}, format="json")
    assert moved.status_code == 200, moved.content
    set_high = client.post(f"/api/v1/jobs/{both[0].pk}/priority/", {"priority": 1}, format="json")
    assert set_high.json()["priority"] == 1
    assert (
        client.post(f"/api/v1/jobs/{both[0].pk}/priority/", {"priority": 9}, format="json").status_code == 400
    )
    both[0].move_to(Status.RUNNING)
    assert client.post(f"/api/v1/jobs/{both[0].pk}/move/", {"to": "up"}, format="json").status_code == 409


def test_a_run_says_when_its_waiting_step_starts(client, alice, seed, usual):
    version = seed.version("Leaves", Status.QUEUED)
    run = seed.run(version, status=Status.QUEUED)
    seed.step(run, "train")
    client.force_login(alice)
    assert "position 1, starts next" in text(client, "run-detail", run.pk)
