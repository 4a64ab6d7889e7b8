"""What nobody cancels ends by its time limit."""

from __future__ import annotations

import time
from datetime import datetime

from tests.bench.attacks import attack, require
from tests.bench.attacks.boards import LIMIT_SECONDS, OPERATOR, boards
from tests.bench.attacks.devices import FINAL, ended, job_of

MODES = ("silent-exec", "endless-stdout", "freeze-sftp-open")


@attack("1 time limits of jobs on boards")
def frozen_boards_end_by_the_limit(scene) -> None:
    """Boards hang or print without end, and nobody cancels; the jobs end within their limit and 30 s."""
    with boards(scene, len(MODES)) as made:
        for board, mode in zip(made, MODES, strict=True):
            board.order(mode)
        jobs = [board.probe() for board in made]
        began = time.monotonic()
        for job, mode in zip(jobs, MODES, strict=True):
            status = ended(scene, OPERATOR, job, max(1, began + LIMIT_SECONDS + 60 - time.monotonic()))
            row = job_of(scene, OPERATOR, job)
            require(status in FINAL, f"{mode}: job {job} is {status} after {LIMIT_SECONDS + 60} s.")
            times = [datetime.fromisoformat(row[name]) for name in ("started_at", "finished_at")]
            seconds = (times[1] - times[0]).total_seconds()
            require(seconds < LIMIT_SECONDS, f"{mode}: job {job} ended after {seconds:.0f} s.")
