"""A training goes on elsewhere: from its checkpoint in storage, after its host was lost or told to stop."""

import shutil
import tarfile
import time
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from portal.jobs import checkpoints, draining, execution, services
from portal.jobs.log import read_log
from portal.jobs.models import Checkpoint, Job, Status
from tests.graphs import job_of
from tests.jobs.helpers import executing, hanging_run, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def stored_often(settings):
    settings.CHECKPOINT_MINUTES = 1
    settings.DRAIN_SECONDS = 0
    yield
    draining.forget()


@pytest.fixture
def job(team, alice):
    return job_of(hanging_run(team, alice))


def fresh(job):
    return Job.objects.get(pk=job.pk)


def trained(job):
    return (execution.job_folder(job) / "scratch/checkpoint-3").is_dir()


def files_of(job) -> list[str]:
    return [name for name in default_storage.listdir("checkpoints")[1] if name.startswith(str(job.pk))]


def other_host(settings, tmp_path):
    """From here on, this process works with another disk."""
    settings.JOBS_DIR = tmp_path / "other-host"


def test_a_worker_that_stops_hands_its_job_back_and_another_host_goes_on(job, settings, tmp_path):
    with executing(job):
        wait_for(lambda: trained(job), "three epochs")
        draining.begin()
    lost = fresh(job)
    assert (lost.status, lost.error_kind) == (Status.FAILED, "lost")
    new = lost.retried_by
    assert (new.status, new.attempt, new.place) == (Status.QUEUED, 1, job.place)
    draining.forget()
    other_host(settings, tmp_path)
    with executing(new):
        wait_for(lambda: trained(new), "three more")
        assert "goes on from epoch 3" in read_log(new, 0)[0]
        services.cancel(fresh(new), by="alice")
    assert not Checkpoint.objects.exists()
    assert files_of(job) == []


def test_the_newest_checkpoint_replaces_the_one_before(job, monkeypatch):
    monkeypatch.setattr(checkpoints.Keeper, "__init__", due_at_once(checkpoints.Keeper.__init__))
    with executing(job):
        wait_for(lambda: trained(job), "three epochs")
        wait_for(lambda: Checkpoint.objects.filter(job=job).exists(), "a checkpoint")
        services.cancel(fresh(job), by="alice")
    assert len(files_of(job)) <= 1


def test_a_checkpoint_that_was_replaced_while_it_was_read_is_taken_at_once(job, monkeypatch):
    answers = [False, True]
    monkeypatch.setattr(checkpoints, "store", lambda job, folder: answers.pop(0))
    monkeypatch.setattr(checkpoints.Keeper, "__init__", due_at_once(checkpoints.Keeper.__init__))
    keeper = checkpoints.Keeper(job)
    keeper.offer("scratch/checkpoint-3")
    for _ in range(3):
        keeper.tick()
        keeper._thread.join()
    assert answers == []


def due_at_once(make):
    def made(keeper, job):
        make(keeper, job)
        keeper._next = 0

    return made


def test_a_job_that_was_lost_twice_goes_on_from_the_last_attempt_that_left_something(job, tmp_path):
    Job.objects.filter(pk=job.pk).update(status=Status.RUNNING, started_at=timezone.now())
    folder = execution.job_folder(job) / "scratch/checkpoint-7/scratch/output"
    folder.mkdir(parents=True)
    (folder / "epoch_7.pdparams").write_text("epoch 7")
    assert checkpoints.store(job, "scratch/checkpoint-7")
    shutil.rmtree(execution.job_folder(job))
    for _ in range(2):
        Job.objects.filter(pk=job.pk).update(
            status=Status.RUNNING, heartbeat_at=timezone.now() - timedelta(minutes=2)
        )
        services.reap()
        job = fresh(job).retried_by
    execution.job_folder(job).mkdir(parents=True)
    found = checkpoints.earlier(job)
    assert (found / "scratch/output/epoch_7.pdparams").read_text() == "epoch 7"


def test_a_job_that_is_cancelled_while_its_worker_stops_is_cancelled(job):
    with executing(job):
        wait_for(lambda: trained(job), "three epochs")
        Job.objects.filter(pk=job.pk).update(status=Status.CANCELLING)
        draining.begin()
    assert fresh(job).status == Status.CANCELLED


def test_links_in_a_checkpoint_are_left_out(job, tmp_path):
    folder = execution.job_folder(job) / "scratch/checkpoint-1"
    folder.mkdir(parents=True)
    (folder / "secret").symlink_to("/etc/passwd")
    assert not checkpoints.store(job, "scratch/checkpoint-1")
    assert not Checkpoint.objects.exists()


def test_a_program_cannot_have_files_of_others_read_or_written(job, tmp_path):
    own, other = execution.job_folder(job), tmp_path / "other"
    (other / "checkpoint-1").mkdir(parents=True)
    (other / "checkpoint-1" / "weights").write_text("another team's")
    own.mkdir(parents=True, exist_ok=True)
    (own / "scratch").symlink_to(other)
    assert not checkpoints.store(job, "scratch/checkpoint-1")
    (own / "scratch").unlink()
    (own / "scratch/checkpoint-1").mkdir(parents=True)
    (own / "scratch/checkpoint-1/weights").write_text("its own")
    (own / "checkpoint.tar").symlink_to(other / "database")
    assert checkpoints.store(job, "scratch/checkpoint-1")
    assert not (other / "database").exists()


@pytest.mark.parametrize("how", ["above", "link", "whole path"])
def test_a_checkpoint_that_reaches_out_of_its_folder_is_not_unpacked(job, tmp_path, how):
    path, link = tmp_path / "evil.tar", tarfile.TarInfo("scratch")
    link.type, link.linkname = tarfile.SYMTYPE, "../.."
    with tarfile.open(path, "w") as tar:
        if how == "link":
            tar.addfile(link)
        entry = tar.gettarinfo(__file__)
        entry.name = {"above": "../../evil", "link": "scratch/evil", "whole path": f"{tmp_path}/evil"}[how]
        with open(__file__, "rb") as file:
            tar.addfile(entry, file)
    with path.open("rb") as file:
        name = default_storage.save("checkpoints/evil.tar", file)
    Checkpoint.objects.create(job=job, file=name, size=1, made_at=timezone.now())
    Job.objects.filter(pk=job.pk).update(status=Status.FAILED, error_kind="lost")
    new = services.retry(fresh(job))
    execution.job_folder(new).mkdir(parents=True)
    assert checkpoints.earlier(new) is None
    assert not (execution.job_folder(new).parent.parent / "evil").exists()
    assert not (tmp_path / "evil").exists()


def test_old_checkpoints_are_removed(job, settings):
    Job.objects.filter(pk=job.pk).update(
        status=Status.FAILED, error_kind="lost", finished_at=timezone.now() - timedelta(days=4)
    )
    folder = execution.job_folder(job) / "scratch/checkpoint-1"
    folder.mkdir(parents=True)
    (folder / "weights").write_text("a")
    checkpoints.store(job, "scratch/checkpoint-1")
    checkpoints.sweep()
    assert not Checkpoint.objects.exists()
    assert files_of(job) == []


def test_time_for_running_jobs_begins_when_the_worker_is_told_to_stop(settings):
    settings.DRAIN_SECONDS = 0.2
    assert not draining.is_over()
    draining.begin()
    assert not draining.is_over()
    time.sleep(0.25)
    assert draining.is_over()
