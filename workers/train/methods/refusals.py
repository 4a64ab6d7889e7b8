"""Why a network cannot be pruned, from the suite's process to the program that supervises it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from workers.train.methods.channels import Entangled
from workers.train.methods.pruning import TooSmall
from workers.train.progress import ENTANGLED, MARK, TOO_SMALL


@contextmanager
def told() -> Iterator[None]:
    """Print the reason of a refusal as a line of the log, then let it end the process."""
    try:
        yield
    except TooSmall as reached:
        print(f"{MARK} {TOO_SMALL} {reached}", flush=True)
        raise
    except Entangled as layer:
        print(f"{MARK} {ENTANGLED} {layer}", flush=True)
        raise
