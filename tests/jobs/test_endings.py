"""Whatever raises, wherever, ends the job once, with its reason."""

import errno
import json
import sys
import threading
import time

import pytest
from botocore.exceptions import EndpointConnectionError
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import DataError, IntegrityError, OperationalError, connection, connections

from portal.jobs import draining, endings, execution, kinds, services
from portal.jobs.context import Cancelled
from portal.jobs.models import Artifact, ErrorKind, Job, Status
from workers.contract import InputError
from workers.contract.diskspace import EXIT_STATUS, SENTENCE

pytestmark = pytest.mark.django_db(transaction=True)

PROGRAM = """
import json, pathlib, sys
folder = pathlib.Path(sys.argv[-1])
(folder / "artifacts").mkdir()
(folder / "artifacts" / "made.txt").write_text("made")
{work}
(folder / "result.json.tmp").write_text(json.dumps({result}))
(folder / "result.json.tmp").rename(folder / "result.json")
"""


def invocation(work="", result='{"ok": True, "tool_seconds": {}}'):
    return kinds.Invocation([sys.executable, "-c", PROGRAM.format(work=work, result=result)], {}, {})


@pytest.fixture
def ended(team, alice, monkeypatch):
    """Run a job of a kind of its own to its end, and return it."""

    def end(**fields):
        if "perform" not in fields:
            fields = {"prepare": lambda job, folder: invocation(), **fields}
        kind = kinds.Kind(name="trial", title="Trial", queue="default", time_limit=60, **fields)
        monkeypatch.setitem(kinds._kinds, "trial", kind)
        job = services.submit("trial", team, alice)
        assert execution.execute(job.pk) is True
        return Job.objects.get(pk=job.pk)

    return end


def raising(error):
    def step(*arguments):
        raise error

    return step


def ended_once(job):
    return [event.new for event in job.events.all()].count(job.status) == 1 and job.is_final


STEPS = ("prepare", "perform", "complete", "folder")


@pytest.mark.parametrize("step", STEPS)
def test_an_unexpected_error_of_any_step_ends_the_job_with_its_number(ended, step):
    job = ended(**{step: raising(RuntimeError("oops"))})
    assert (job.status, job.error_kind) == (Status.FAILED, "internal")
    assert f"job {job.pk}" in job.message
    assert ended_once(job)


@pytest.mark.parametrize("step", STEPS)
def test_a_sentence_of_any_step_reaches_the_person(ended, step):
    job = ended(**{step: raising(InputError("Choose another picture."))})
    assert (job.status, job.error_kind, job.message) == (Status.FAILED, "input", "Choose another picture.")
    assert ended_once(job)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EDQUOT, "Disk quota exceeded")]
)
def test_a_full_disk_in_any_step_is_said(ended, step, error):
    job = ended(**{step: raising(error)})
    assert (job.status, job.message) == (Status.FAILED, SENTENCE)


def test_a_message_of_any_length_becomes_one_of_a_sentence(ended):
    job = ended(prepare=raising(InputError("The board said " + "x" * 40_000)))
    assert job.status == Status.FAILED
    assert job.message.startswith("The board said x") and len(job.message) <= 2000


def test_what_follows_a_job_may_fail_and_its_status_stands(ended):
    for error in (RuntimeError("oops"), OperationalError("database is locked")):
        job = ended(after=raising(error))
        assert job.status == Status.SUCCEEDED
        assert ended_once(job)


def test_cancelling_stands_when_what_follows_fails(team, alice, monkeypatch):
    kind = kinds.Kind(
        "trial", "Trial", "default", 60, perform=raising(Cancelled()), after=raising(RuntimeError())
    )
    monkeypatch.setitem(kinds._kinds, "trial", kind)
    job = services.submit("trial", team, alice)
    services.cancel(job, by="alice")
    assert Job.objects.get(pk=job.pk).status == Status.CANCELLED


def test_storage_that_fails_ends_the_job_and_leaves_no_file(ended, monkeypatch):
    saved = []

    def save(self, name, content, max_length=None):
        if saved:
            raise OSError(errno.EIO, "Input/output error")
        saved.append(usual(self, name, content, max_length))
        return saved[0]

    usual = FileSystemStorage.save
    monkeypatch.setattr(FileSystemStorage, "save", save)
    two = '(folder / "artifacts" / "second.txt").write_text("two")'
    job = ended(prepare=lambda job, folder: invocation(two))
    assert job.status == Status.FAILED and f"job {job.pk}" in job.message
    assert saved and not default_storage.exists(saved[0])


def test_a_result_that_the_database_refuses_ends_the_job_and_leaves_no_file(ended):
    job = ended(complete=raising(IntegrityError("CHECK constraint failed")))
    assert job.status == Status.FAILED and f"job {job.pk}" in job.message
    assert not Artifact.objects.filter(job=job).exists()
    assert not default_storage.exists(f"jobs/{job.pk}/made.txt")


def test_a_database_that_is_busy_for_a_moment_costs_no_result(ended):
    refusals = [OperationalError("database is locked")] * 2

    def complete(job, result):
        if refusals:
            raise refusals.pop()

    job = ended(complete=complete)
    assert job.status == Status.SUCCEEDED
    assert ended_once(job)


AWAY = EndpointConnectionError(endpoint_url="http://s3:8333/")


def test_a_storage_that_is_away_for_a_moment_costs_no_result(ended, monkeypatch):
    refusals, usual = [AWAY] * 2, FileSystemStorage.save

    def save(self, name, content, **options):
        if refusals:
            content.read(2)
            raise refusals.pop()
        return usual(self, name, content, **options)

    monkeypatch.setattr(FileSystemStorage, "save", save)
    job = ended()
    assert job.status == Status.SUCCEEDED
    assert Artifact.objects.get(job=job).file.read() == b"made"


@pytest.mark.parametrize(
    "error, word", [(AWAY, "file storage"), (OperationalError("database is locked"), "busy")]
)
def test_an_outage_is_named_as_the_reason_and_is_no_defect(ended, error, word, settings):
    settings.JOB_END_PATIENCE_SECONDS = 0.2
    job = ended(prepare=raising(error))
    assert job.status == Status.FAILED and word in job.message
    assert job.error_kind == ErrorKind.TOOLCHAIN


def test_a_storage_that_is_away_for_a_moment_is_waited_for_before_the_program_starts(ended):
    refusals = [AWAY] * 2

    def prepare(job, folder):
        (folder / "half").touch(exist_ok=False)  # an empty folder for each try
        if refusals:
            raise refusals.pop()
        return invocation()

    assert ended(prepare=prepare).status == Status.SUCCEEDED


def test_a_program_that_has_its_result_is_not_handed_back_when_the_worker_stops(ended, settings):
    settings.DRAIN_SECONDS = 0
    argv = invocation().argv
    argv[-1] += "import time; time.sleep(120)"
    folders = []

    def prepare(job, folder):
        folders.append(folder)
        return kinds.Invocation(argv, {}, {})

    def stop_the_worker():
        while not (folders and (folders[0] / "result.json").exists()):
            time.sleep(0.05)
        draining.begin()

    stopping = threading.Thread(target=stop_the_worker, daemon=True)
    stopping.start()
    try:
        job = ended(prepare=prepare)
    finally:
        stopping.join()
        draining.forget()
    assert job.status == Status.SUCCEEDED


@pytest.mark.sqlite
def test_a_failure_is_written_down_once_the_lock_is_gone(ended):
    locked, done = threading.Event(), threading.Event()

    def hold():
        with connections["default"].cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            locked.set()
            done.wait(1.5)
            cursor.execute("ROLLBACK")
        connections.close_all()

    holding = threading.Thread(target=hold)

    def perform(job, context):
        holding.start()
        locked.wait(30)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 100")
        raise InputError("Choose another picture.")

    try:
        job = ended(perform=perform)
    finally:
        done.set()
        holding.join()
        connection.close()
    assert (job.status, job.message) == (Status.FAILED, "Choose another picture.")


def test_a_sentence_that_cannot_be_stored_still_ends_the_job(ended, monkeypatch):
    def picky(job, target, reason="", **fields):
        if "forbidden" in reason:
            raise DataError("a text that this database cannot hold")
        usual(job, target, reason, **fields)

    usual = Job.move_to
    monkeypatch.setattr(Job, "move_to", picky)
    job = ended(perform=raising(InputError("something forbidden")))
    assert job.status == Status.FAILED and f"job {job.pk}" in job.message


def test_a_kind_that_is_gone_ends_its_job(team, alice, ended, monkeypatch):
    monkeypatch.setitem(
        kinds._kinds, "gone", kinds.Kind("gone", "Gone", "default", 60, perform=raising(Cancelled()))
    )
    job = services.submit("gone", team, alice)
    claimed = kinds._kinds["gone"].claim
    monkeypatch.setattr(kinds, "get", raising_once_claimed(claimed))
    execution.execute(job.pk)
    monkeypatch.undo()
    assert Job.objects.get(pk=job.pk).status == Status.FAILED


def raising_once_claimed(claim):
    calls = []

    def get(name):
        calls.append(name)
        if len(calls) > 1:
            raise KeyError(name)
        return kinds.Kind("gone", "Gone", "default", 60, perform=raising(Cancelled()), claim=claim)

    return get


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("[1]", "does not say whether it succeeded"),
        ('{"ok": "yes"}', "does not say whether it succeeded"),
        ('{"ok": True, "metrics": {"top1": float("nan")}}', "no finite number"),
        ('{"ok": False}', "failed, but not why"),
        ('{"ok": False, "message": 5}', "failed, but not why"),
    ],
)
def test_a_result_outside_the_contract_fails_the_job_with_a_sentence(ended, result, said):
    job = ended(prepare=lambda job, folder: invocation(result=result))
    assert job.status == Status.FAILED
    assert said in job.message
    assert ended_once(job)


def test_a_half_written_result_fails_the_job_with_a_sentence(ended):
    work = '(folder / "result.json").write_text(\'{"ok": tr\'); sys.exit(0)'
    job = ended(prepare=lambda job, folder: invocation(work))
    assert job.status == Status.FAILED and "cannot be read" in job.message


def test_events_outside_the_contract_are_passed_over(ended):
    lines = [
        "not json", "[]", '"text"', '{"type": "phase"}',
        '{"type": "metric", "name": 5, "step": 1, "value": 1}',
        '{"type": "metric", "name": "train/ips", "step": 1, "value": Infinity}',
        '{"type": "metric", "name": "train/lr", "step": 99999999999999, "value": 1}',
        '{"type": "progress", "done": NaN, "total": 1}', '{"type": "progress", "done": "x"}', '{"half": ',
        '{"type": "metric", "name": "train/loss", "step": 1, "value": 0.5}',
    ]  # fmt: skip
    work = f'(folder / "events.jsonl").write_text({json.dumps(chr(10).join(lines) + chr(10))})'
    job = ended(prepare=lambda job, folder: invocation(work))
    assert job.status == Status.SUCCEEDED, job.message
    assert [metric.value for metric in job.metrics.all()] == [0.5]


@pytest.mark.parametrize("name", ["train/loss", "val/loss"])
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_a_loss_that_is_no_number_ends_the_training_as_diverged(ended, name, value):
    event = f'{{"type": "metric", "step": 3, "name": "{name}", "value": {value}}}'
    work = f'(folder / "events.jsonl").write_text({json.dumps(event + chr(10))})'
    job = ended(prepare=lambda job, folder: invocation(work))
    assert (job.status, job.error_kind) == (Status.FAILED, "input")
    assert "diverged" in job.message and name in job.message and "3" in job.message


def test_a_program_that_had_no_room_for_its_result_says_so(ended):
    job = ended(prepare=lambda job, folder: invocation(f"sys.exit({EXIT_STATUS})"))
    assert (job.status, job.message) == (Status.FAILED, SENTENCE)


def test_patience_ends(settings):
    settings.JOB_END_PATIENCE_SECONDS = 0.2
    with pytest.raises(OperationalError):
        endings.patiently(raising(OperationalError("database is locked")), Job())
