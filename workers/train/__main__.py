"""``python -m workers.train <job folder>``: see ``workers/README.md`` for the contract."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

from workers import contract
from workers.train.program import main


def start_process_group() -> None:
    """Make this process lead its own group, so that one kill reaches PaddleX and the suite."""
    with contextlib.suppress(PermissionError):  # the leader of a session already leads its group
        os.setpgid(0, 0)


def end_the_group(*_: object) -> None:
    """On SIGTERM, kill everything at once: Paddle's own handlers would print stack traces for minutes."""
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    start_process_group()
    signal.signal(signal.SIGTERM, end_the_group)
    signal.signal(signal.SIGINT, end_the_group)
    sys.exit(contract.run(main))
