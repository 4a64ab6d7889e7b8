"""A process that is tied to another ends with it."""

import json
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 20
PARENT = """
import json, subprocess, sys, time
from workers.contract.ties import TiedProcess, tie_all
tied = TiedProcess(["sleep", "1000"])
tie_all()
library = subprocess.Popen(["sleep", "1000"])
print(json.dumps([tied.pid, library.pid]), flush=True)
time.sleep(1000)
"""


def lives(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] not in "ZX"


def test_tied_processes_end_when_their_parent_is_killed():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        children = json.loads(parent.stdout.readline())
        assert all(map(lives, children))
        parent.kill()
    end = time.monotonic() + PATIENCE
    while any(map(lives, children)):
        assert time.monotonic() < end, "they live on"
        time.sleep(0.05)
