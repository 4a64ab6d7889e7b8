"""What the suites' launchers in ``tools/`` share. It runs in a suite's own process."""

from __future__ import annotations

import os
import traceback

import workers
from workers import train


def use_kernels() -> None:
    """Put our own operators over Paddle's; say so where that fails, and go on without."""
    # Numba knows compiled code by the path of its source: take that itself and not this job's link to it.
    for package in (workers, train):
        package.__path__ = [os.path.realpath(path) for path in package.__path__]
    from workers.train.progress import MARK, WITHOUT_KERNELS

    try:
        from workers.train.kernels.layers import install

        install()
    except Exception:
        # Whatever it is: a training that is slow is better than none.
        traceback.print_exc()
        print(f"{MARK} {WITHOUT_KERNELS}", flush=True)
