"""A real broker and a real Celery worker, killed with -9 at any time: never a ghost."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise

import pytest
from django.conf import settings as django_settings
from django.db import connection

from portal.datasets.services import create_version
from portal.jobs import scheduler, services
from portal.jobs.models import ACTIVE, Job, Status
from portal.runs.models import Run
from portal.runs.plan import make_plan
from portal.runs.services import create_run
from portal.teams import quotas
from portal.teams.models import Quota
from tests.factories import class_zip
from tests.graphs import job_of
from tests.jobs.helpers import wait_for
from tests.jobs.test_execution import program_pids

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


def start(argv):
    database = connection.settings_dict["NAME"]
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.worker_settings",
        "SLIPWAY_VAR": str(django_settings.VAR_DIR),
        "DATABASE_URL": f"sqlite:///{database}",
        "PYTHONPATH": str(django_settings.BASE_DIR),
    }
    return subprocess.Popen(argv, env=env, cwd=django_settings.BASE_DIR, start_new_session=True)


def kill(process):
    """SIGKILL to the whole group, as a power cut would."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def broker():
    running = []

    def launch():
        running.append(start([sys.executable, "manage.py", "broker"]))
        wait_for(django_settings.BROKER_SOCKET.exists, "the broker's socket")
        return running[-1]

    yield launch
    for process in running:
        kill(process)
    django_settings.BROKER_SOCKET.unlink(missing_ok=True)


@pytest.fixture
def worker():
    running = []

    def launch():
        argv = [sys.executable, "-m", "celery", "-A", "portal.celery", "worker", "-c", "1", "-l", "WARNING"]
        argv += ["-Q", "default,train,convert,deploy", "--without-gossip", "--without-mingle"]
        running.append(start(argv))
        return running[-1]

    yield launch
    for process in running:
        kill(process)


def reap_at_once(settings):
    """What the reaper does after a minute, now."""
    usual, settings.JOB_LOST_AFTER = settings.JOB_LOST_AFTER, timedelta(seconds=0)
    services.reap()
    settings.JOB_LOST_AFTER = usual


def run_with(team, alice, *classes):
    version = create_version(team, alice, "Pets", class_zip(classes))
    return create_run(make_plan(version, preset="fast", chips=["rv1106"]), team, alice)


def status(run):
    return Run.objects.get(pk=run.pk).status


def train_job(run):
    job = job_of(Run.objects.get(pk=run.pk))
    return job if job and job.status == Status.RUNNING and job.metrics.exists() else None


def test_a_killed_celery_worker_leaves_no_program_and_its_job_is_resumed(
    team, alice, broker, worker, settings
):
    broker()
    first = worker()
    run = run_with(team, alice, "cat", "fake: hang")
    job = wait_for(lambda: train_job(run), "the training")
    assert program_pids(job)
    kill(first)
    wait_for(lambda: not program_pids(job), "the end of the orphaned program")
    reap_at_once(settings)
    lost = Job.objects.get(pk=job.pk)
    assert (lost.status, lost.error_kind) == (Status.FAILED, "lost")
    worker()
    resumed = wait_for(lambda: train_job(run), "the resumed training")
    assert resumed.retry_of == lost
    services.cancel(resumed, by="alice")
    wait_for(lambda: status(run) == Status.CANCELLED, "the end of the run")
    assert program_pids(resumed) == []


def test_a_broker_killed_with_messages_in_it_loses_no_job(team, alice, broker, worker, settings):
    first = broker()
    run = run_with(team, alice, "cat", "dog")
    kill(first)
    for file in (django_settings.VAR_DIR / "broker").rglob("*"):
        if file.is_file():
            file.unlink()  # worse than a crash: the queue is gone
    django_settings.BROKER_SOCKET.unlink(missing_ok=True)
    broker()
    worker()
    reap_at_once(settings)
    wait_for(lambda: status(run) == Status.SUCCEEDED, "the run")


def test_work_handed_in_while_the_broker_is_away_is_done_later(team, alice, broker, worker, settings):
    run = run_with(team, alice, "cat", "dog")
    assert status(run) == Status.QUEUED
    broker()
    worker()
    reap_at_once(settings)
    wait_for(lambda: status(run) == Status.SUCCEEDED, "the run")


def test_a_broker_that_restarts_during_a_job_disturbs_nothing(team, alice, broker, worker):
    first = broker()
    worker()
    run = run_with(team, alice, "cat", "fake: hang")
    job = wait_for(lambda: train_job(run), "the training")
    kill(first)
    django_settings.BROKER_SOCKET.unlink(missing_ok=True)
    broker()
    assert Job.objects.get(pk=job.pk).status == Status.RUNNING
    services.cancel(Job.objects.get(pk=job.pk), by="alice")
    wait_for(lambda: status(run) == Status.CANCELLED, "the end of the run")


def test_three_waiting_jobs_run_in_the_order_in_which_they_were_put(team, alice, broker, worker):
    broker()
    versions = [create_version(team, alice, name, class_zip()) for name in ("one", "two", "three")]
    scheduler.move(versions[2].job, "first")
    scheduler.move(versions[0].job, "last")
    worker()
    wait_for(lambda: not Job.objects.filter(status__in=ACTIVE).exists(), "the end of all three")
    started = Job.objects.order_by("started_at").values_list("pk", flat=True)
    assert list(started) == [versions[number].job_id for number in (2, 1, 0)]


def test_what_waits_for_the_teams_limit_runs_as_soon_as_there_is_room(team, alice, broker, worker):
    quotas.set_quota(team, Quota.By.TEAM, {"running_default": 1})
    broker()
    for _ in range(2):
        worker()
    for name in ("one", "two", "three"):
        create_version(team, alice, name, class_zip())
    wait_for(lambda: Job.objects.filter(status=Status.SUCCEEDED).count() == 3, "the end of all three")
    spans = Job.objects.order_by("started_at").values_list("started_at", "finished_at")
    assert all(end <= start for (_, end), (start, _) in pairwise(spans)), "never two at a time"
