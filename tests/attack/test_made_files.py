"""What a program that was taken over leaves in its job folder: links, pipes and endless lines."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from portal.jobs import kinds, made_files, program, reports, services
from portal.jobs.log import read_log
from portal.jobs.models import Job, Status
from tests.jobs.helpers import executing
from workers.contract import oom

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "a secret of the portal"


@pytest.fixture
def secret(tmp_path):
    """A folder outside the job's with a file in it."""
    place = tmp_path / "secrets"
    place.mkdir()
    (place / "key").write_text(SECRET)
    return place


@pytest.fixture
def run_spy(team, alice, monkeypatch):
    """Return a function that runs a job whose program tries expressions, and returns the job."""

    def run(*expressions):
        def prepare(job, folder):
            return kinds.Invocation([sys.executable, "-m", "tests.fakes.spy"], {}, {"try": expressions})

        kind = kinds.Kind(name="spy", title="Spy", queue="default", time_limit=100, prepare=prepare)
        monkeypatch.setitem(kinds._kinds, "spy", kind)
        job = services.submit("spy", team, alice)
        with executing(job):
            pass  # it waits for the end for a while only
        return Job.objects.get(pk=job.pk)

    return run


def test_a_log_that_became_a_link_is_not_followed(run_spy, secret):
    job = run_spy(
        "(folder / 'log.txt').unlink()",
        f"(folder / 'log.txt').symlink_to({str(secret / 'key')!r})",
        "time.sleep(1)",
    )
    assert job.status == Status.SUCCEEDED
    assert SECRET not in str(read_log(job, 0)[0])


@pytest.mark.parametrize("name", ["events.jsonl", "log.txt"])
def test_a_pipe_in_place_of_a_file_holds_nobody_up(run_spy, settings, name):
    settings.PROGRAM_SANDBOX = False  # Landlock lets no program make one
    job = run_spy(
        f"(folder / {name!r}).unlink(missing_ok=True)", f"os.mkfifo(folder / {name!r})", "time.sleep(1)"
    )
    assert job.status == Status.SUCCEEDED


def test_a_result_that_is_a_link_is_no_result(tmp_path, secret):
    (secret / "result.json").write_text('{"ok": true, "stolen": 1}')
    (tmp_path / "result.json").symlink_to(secret / "result.json")
    with pytest.raises(program.NoResult):
        program._read_result(tmp_path, 1, oom.MemoryWatch())


def test_links_among_the_artifacts_are_not_stored(run_spy, secret):
    job = run_spy(
        "(folder / 'artifacts' / 'own').write_text('mine')",
        f"(folder / 'artifacts' / 'file').symlink_to({str(secret / 'key')!r})",
        f"(folder / 'artifacts' / 'folder').symlink_to({str(secret)!r})",
    )
    assert job.status == Status.SUCCEEDED
    assert [artifact.name for artifact in job.artifacts.all()] == ["own"]


def test_artifacts_that_are_a_link_as_a_whole_are_not_stored(run_spy, secret):
    job = run_spy("(folder / 'artifacts').rmdir()", f"(folder / 'artifacts').symlink_to({str(secret)!r})")
    assert job.status == Status.SUCCEEDED
    assert not job.artifacts.exists()


def test_files_are_found_in_folders_and_everything_else_is_passed_over(tmp_path):
    top = tmp_path / "artifacts"
    (top / "packs" / "deep").mkdir(parents=True)
    (top / "packs" / "deep" / "b").write_bytes(b"2")
    (top / "a").write_bytes(b"1")
    os.mkfifo(top / "pipe")
    found = {name: file.read() for name, file in made_files.files_below(top)}
    assert found == {"a": b"1", "packs/deep/b": b"2"}
    assert list(made_files.files_below(tmp_path / "missing")) == []


def test_an_endless_line_of_events_is_not_kept_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(program, "LONGEST_LINE", 1000)
    monkeypatch.setattr(program, "READ_AT_MOST", 400)
    path = tmp_path / "events.jsonl"
    phase = json.dumps({"type": "phase", "name": "after"}).encode()
    path.write_bytes(b"x" * 100_000 + b"\n" + phase + b"\n")
    tail, found = program.EventTail(path), []
    for _ in range(300):
        found += tail.events()
        assert len(tail._rest) <= 1400
    assert [event["name"] for event in found] == ["after"]


@pytest.mark.parametrize(
    ("number", "ran_out", "said"),
    [
        (signal.SIGKILL, True, "The system had run out of memory and ended it."),
        (signal.SIGKILL, False, "It was killed from outside; often"),
        (signal.SIGXCPU, False, "more processor time than a job may"),
        (signal.SIGXFSZ, False, "a file larger than a job may"),
        (signal.SIGSEGV, True, "It crashed."),
    ],
)
def test_of_a_killed_program_only_what_is_known_is_said(number, ran_out, said):
    message = reports.killed(number, ran_out)
    assert f"was killed by {signal.Signals(number).name}" in message and said in message


def test_a_program_killed_by_hand_is_not_called_out_of_memory_as_a_fact(run_spy):
    job = run_spy("os.kill(os.getpid(), 9)")
    assert job.status == Status.FAILED
    assert "killed by SIGKILL" in job.message and "did not say so" in job.message


@pytest.mark.parametrize(
    ("group", "file"),
    [
        ("0::/slipway.service\n", "slipway.service/memory.events"),
        ("0::/\n", "memory.events"),
        ("4:memory:/docker/abc\n0::/\n", "memory/docker/abc/memory.oom_control"),
        ("5:cpu,memory:/docker/abc\n", "memory/memory.oom_control"),
    ],
)
def test_the_kernels_own_counter_is_the_evidence(tmp_path, monkeypatch, group, file):
    counter, groups = tmp_path / "groups" / file, tmp_path / "cgroup"
    counter.parent.mkdir(parents=True)
    groups.write_text(group)
    counter.write_text("low 0\noom 3\noom_kill 1\n")
    monkeypatch.setattr(oom, "OWN_GROUPS", groups)
    monkeypatch.setattr(oom, "CONTROL_GROUPS", tmp_path / "groups")
    watch = oom.MemoryWatch()
    assert not watch.ran_out()
    counter.write_text("low 0\noom 3\noom_kill 2\n")
    assert watch.ran_out()
    counter.unlink()
    monkeypatch.setattr(oom, "WHOLE_SYSTEM", Path("/nowhere"))
    assert oom.kills() is None and not watch.ran_out()


def test_a_program_that_needs_more_memory_than_it_may_says_so(run_spy):
    job = run_spy("b'x' * 10**15")
    assert (job.status, job.error_kind) == (Status.FAILED, "toolchain")
    assert "needed more memory than it may use" in job.message
