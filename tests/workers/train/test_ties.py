"""What a process forks ends with it, however it ends."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

FORKS = """
import multiprocessing, time
from workers.contract.ties import tie_forks
tie_forks()
child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
child.start()
print(child.pid, flush=True)
time.sleep(600)
"""


def test_a_forked_process_ends_when_its_parent_is_killed():
    root = Path(__file__).resolve().parents[3]
    parent = subprocess.Popen([sys.executable, "-c", FORKS], cwd=root, stdout=subprocess.PIPE, text=True)
    child = Path("/proc", parent.stdout.readline().strip())
    assert child.exists()
    parent.kill()
    parent.wait()
    end = time.monotonic() + 60
    while is_alive(child):
        assert time.monotonic() < end, "it lives on"
        time.sleep(0.05)


def is_alive(process: Path) -> bool:
    try:
        return "\nState:\tZ" not in (process / "status").read_text()
    except OSError:  # it ended before, or while its file was read
        return False
