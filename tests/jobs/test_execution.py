import os
import signal
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.utils import timezone

from portal.jobs import execution, kinds, services
from portal.jobs.log import read_log
from portal.jobs.models import Job, Status
from tests.graphs import job_of, run_of
from tests.jobs.helpers import executing, hanging_run, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job(team, alice):
    return job_of(hanging_run(team, alice))


def fresh(job):
    return Job.objects.get(pk=job.pk)


def program_pids(job) -> list[int]:
    """Processes whose argument list ends with the job's folder."""
    folder = str(execution.job_folder(job)).encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if folder in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def running(job):
    return fresh(job).metrics.count() > 0 and program_pids(job)


def test_events_and_log_reach_the_database_while_it_runs(job):
    with executing(job):
        wait_for(lambda: running(job), "the first metrics")
        wait_for(lambda: "epoch 3/3" in fresh(job).phase, "the last epoch's phase")
        wait_for(lambda: "[Eval][Epoch 3]" in read_log(job, 0)[0], "the log")
        assert fresh(job).percent == 100
        services.cancel(fresh(job), by="alice")
    text, end = read_log(job, 0)
    assert end == fresh(job).log_bytes == len(text.encode())
    assert read_log(job, 5)[0] == text.encode()[5:].decode()


def test_cancel_stops_the_program_and_its_group(job):
    with executing(job):
        wait_for(lambda: running(job), "the program")
        services.cancel(fresh(job), by="alice")
    assert fresh(job).status == Status.CANCELLED
    assert program_pids(job) == []
    assert not execution.job_folder(job).exists()


def test_a_program_killed_with_9_fails_the_job_with_the_reason(job):
    with executing(job):
        (pid,) = wait_for(lambda: running(job), "the program")
        os.kill(pid, signal.SIGKILL)
    assert fresh(job).status == Status.FAILED
    assert "killed by SIGKILL" in fresh(job).message


def test_a_second_message_for_the_same_job_does_nothing(job):
    with executing(job):
        wait_for(lambda: running(job), "the program")
        assert execution.execute(job.pk) is True
        assert len(program_pids(job)) == 1
        services.cancel(fresh(job), by="alice")
    assert fresh(job).events.filter(new="running").count() == 1


def test_a_job_that_the_reaper_ended_is_dropped_by_its_late_worker(job):
    with executing(job):
        wait_for(lambda: running(job), "the program")
        Job.objects.filter(pk=job.pk).update(status=Status.FAILED, message="ended by the test")
    assert fresh(job).message == "ended by the test"
    assert program_pids(job) == []


def lose(job):
    Job.objects.filter(pk=job.pk).update(
        status=Status.RUNNING, heartbeat_at=timezone.now() - timedelta(minutes=2), worker="gone"
    )


def test_a_job_without_heartbeat_is_failed_as_lost_and_resumed_by_a_new_one(job):
    lose(job)
    services.reap()
    assert (fresh(job).status, fresh(job).error_kind) == (Status.FAILED, "lost")
    new = fresh(job).retried_by
    assert (new.status, new.attempt) == (Status.QUEUED, 2)
    assert run_of(new).status in (Status.QUEUED, Status.RUNNING)


def test_a_lost_job_is_resumed_three_times_at_most(job):
    for _ in range(4):
        lose(job)
        services.reap()
        job = getattr(fresh(job), "retried_by", job)
    assert job.attempt == 4
    assert fresh(job).status == Status.FAILED
    assert run_of(job).status == Status.FAILED


def test_a_living_job_is_left_alone(job):
    Job.objects.filter(pk=job.pk).update(status=Status.RUNNING, heartbeat_at=timezone.now())
    services.reap()
    assert fresh(job).status == Status.RUNNING


def test_a_lost_job_that_was_being_cancelled_ends_cancelled(job):
    lose(job)
    Job.objects.filter(pk=job.pk).update(status=Status.CANCELLING)
    services.reap()
    assert fresh(job).status == Status.CANCELLED


def test_folders_of_jobs_that_ended_long_ago_are_removed_and_no_others(job):
    folder = execution.job_folder(job)
    folder.mkdir(parents=True)
    execution.sweep_folders()
    assert folder.exists()
    Job.objects.filter(pk=job.pk).update(status=Status.FAILED, finished_at=timezone.now() - timedelta(days=4))
    execution.sweep_folders()
    assert not folder.exists()


def test_work_without_a_program_ends_at_its_time_limit(team, alice, monkeypatch):
    def dawdle(job, context):
        while True:
            time.sleep(0.02)
            context.check()

    kind = kinds.Kind(name="dawdle", title="Dawdle", queue="default", time_limit=0, perform=dawdle)
    monkeypatch.setitem(kinds._kinds, "dawdle", kind)
    job = services.submit("dawdle", team, alice)
    execution.execute(job.pk)
    assert fresh(job).status == Status.FAILED
    assert "ran longer than 0 minutes" in fresh(job).message


def test_a_job_that_beats_again_after_an_outage_is_left_alone(job, settings, monkeypatch):
    lose(job)
    settings.JOB_LOST_GRACE_SECONDS = 3.0
    waited = []

    def sleep(seconds):
        waited.append(seconds)
        beats(job)

    monkeypatch.setattr(services, "time", SimpleNamespace(sleep=sleep))
    services.reap()
    assert waited == [3.0]
    assert fresh(job).status == Status.RUNNING


def beats(job):
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now())
