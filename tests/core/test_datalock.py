"""One installation to a data folder, and nothing of an earlier one beside it."""

import os
import signal
import subprocess
import sys

import pytest

from portal import tied
from portal.core import datalock

HOLD = """
import sys, time
from pathlib import Path
from portal.core import datalock
lock = datalock.take(Path(sys.argv[1]), "make serve")
print("held", flush=True)
time.sleep(600)
"""
PARENT = """
import os, subprocess, sys, time
argv = [sys.executable, sys.argv[1], sys.executable, "-c", "import time; time.sleep(600)"]
child = subprocess.Popen(argv, env=os.environ | {sys.argv[2]: str(os.getpid())})
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def started():
    """Start a Python program, and kill it at the end."""
    running = []

    def start(code, *arguments, **options):
        argv = [sys.executable, "-c", code, *map(str, arguments)]
        running.append(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, **options))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()


def is_alive(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_second_is_told_who_holds_the_folder_and_what_to_do(tmp_path, started):
    path = tmp_path / "run" / "serve.lock"
    holder = started(HOLD, path)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(
        datalock.Held, match=rf"make serve \(process {holder.pid}, started 2.*kill {holder.pid}"
    ):
        datalock.take(path, "make serve")


def test_the_lock_of_a_killed_holder_is_free_at_once(tmp_path, started):
    path = tmp_path / "run" / "serve.lock"
    holder = started(HOLD, path)
    holder.stdout.readline()
    holder.kill()
    holder.wait()
    os.close(datalock.take(path, "make serve"))


def test_the_file_is_for_nobody_else(tmp_path):
    os.close(datalock.take(tmp_path / "run" / "serve.lock", "make serve"))
    assert (tmp_path / "run" / "serve.lock").stat().st_mode & 0o077 == 0


def test_a_file_that_says_nothing_is_no_trouble(tmp_path):
    path = tmp_path / "run" / "serve.lock"
    first = datalock.take(path, "make serve")
    path.write_text("[]")
    with pytest.raises(datalock.Held, match="Another process uses the data folder"):
        datalock.take(path, "make serve")
    os.close(first)


def test_what_an_earlier_installation_left_is_killed_and_nothing_else(tmp_path, started):
    sleep = "import time; print('up', flush=True); time.sleep(600)"
    mine = started(sleep, env=os.environ | {datalock.MARK: str(tmp_path)})
    other = started(sleep, env=os.environ | {datalock.MARK: f"{tmp_path}-other"})
    mine.stdout.readline(), other.stdout.readline()
    assert datalock.end_left_over(tmp_path) == [mine.pid]
    assert mine.wait(60) == -signal.SIGKILL and other.poll() is None


def test_who_holds_a_lock_can_be_ended(tmp_path, started):
    path = tmp_path / "run" / "broker.lock"
    datalock.end_holder(path)
    holder = started(HOLD, path)
    holder.stdout.readline()
    datalock.end_holder(path)
    assert holder.wait(60) == -signal.SIGKILL


def test_a_tied_program_dies_with_its_parent(started):
    parent = started(PARENT, tied.__file__, tied.PARENT)
    child = int(parent.stdout.readline())
    assert is_alive(child)
    parent.kill()
    parent.wait()
    for _ in range(600):
        if not is_alive(child):
            return
        signal.sigtimedwait([], 0.1)
    pytest.fail("it lives on")


def test_a_program_whose_parent_is_gone_already_does_not_start(started):
    environment = os.environ | {tied.PARENT: "1"}
    argv = [sys.executable, tied.__file__, sys.executable, "-c", "print('started')"]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL and done.stdout == ""
