"""Runs the ingest program's main on many uploads, each in a process of its own with little memory and time.

    python -m tests.datasets.bounded <folder with job folders> <address space in MB> <CPU seconds>

One process is forked for each job folder, so that the modules are loaded once for all of them.
"""

from __future__ import annotations

import os
import resource
import sys
import time
import traceback
from pathlib import Path

from workers import contract
from workers.datakit import checking, ingest

MB = 1024 * 1024


def run_one(folder: Path, megabytes: int, seconds: int) -> int:
    """Return the exit status of a process that runs one job; its peak memory goes to ``peak.txt``."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            resource.setrlimit(resource.RLIMIT_AS, (megabytes * MB, megabytes * MB))
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
            sys.stderr = sys.stdout = (folder.parent / f"{folder.name}.log").open("w")
            status = contract.run(ingest.main, [str(folder)])
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    began = time.monotonic()
    _, status, usage = os.wait4(child, 0)
    spent, peak = time.monotonic() - began, usage.ru_maxrss / 1024
    (folder.parent / f"{folder.name}.usage").write_text(f"{usage.ru_utime + usage.ru_stime} {spent} {peak}")
    return status


def main() -> None:
    checking.IMAGES_PER_PROCESS = checking.BYTES_PER_PROCESS = sys.maxsize  # all in the one that is held
    folder, megabytes, seconds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for job in sorted(path for path in folder.iterdir() if path.is_dir()):
        run_one(job, megabytes, seconds)


if __name__ == "__main__":
    main()
