"""Shared by the suites' launchers in ``tools/``. It runs in a suite's own process."""

from __future__ import annotations

import traceback


def use_kernels() -> None:
    """Replace Paddle's operators with Slipway's kernels; on failure, report it and continue without them."""
    from workers.train.progress import MARK, WITHOUT_KERNELS

    try:
        from workers.train.kernels.layers import install

        install()
    except Exception:
        # Any error: a slow training is better than none.
        traceback.print_exc()
        print(f"{MARK} {WITHOUT_KERNELS}", flush=True)
