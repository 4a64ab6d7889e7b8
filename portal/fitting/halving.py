"""Successive halving in numbers: how long each round trains, and who stays. Knows no rows.

Round 0 trains every candidate briefly; each later round goes on with the best of them, for longer. The last
round's epochs are those of the recipe, less if the budget of time ends before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

ROUNDS = 3
SHARES = (1 / 9, 1 / 3, 1.0)  # of the recipe's epochs, by round
OF_BUDGET = (0.4, 0.5, 0.95)  # of what is left of the budget, by round
STAY = 3  # one in so many goes on
SECONDS_A_TRIAL = 45  # to start, export, compile and measure, whatever is trained
# Until this portal has measured a training of its own: two cores took 3e-8 to 4e-8 of a second for an image
# and a cycle of the chip, PP-LCNet and PicoDet alike.
SECONDS_A_CYCLE = 4e-8
LEAST_RATE = 1e-6  # a training that took no measurable time
LEAST_STEPS = 60  # a shorter training tells nothing
ONE_AT_MOST = 0.5  # of a round's time may be a single candidate's


@dataclass(frozen=True)
class Load:
    """What trains: ``rate`` is in seconds for an image and epoch."""

    rate: float
    images: int
    steps: int  # in an epoch

    @property
    def least_epochs(self) -> int:
        return max(1, math.ceil(LEAST_STEPS / max(1, self.steps)))

    def seconds(self, epochs: int) -> float:
        return SECONDS_A_TRIAL + self.rate * self.images * epochs


def fits_alone(load: Load, seconds: float) -> bool:
    """Whether it can be tried at all within a round of so many seconds."""
    return load.seconds(load.least_epochs) <= seconds


def room(loads: Sequence[Load], seconds: float) -> int:
    """How many of them, spread evenly, fit into a round of so many seconds with the fewest epochs."""
    for count in range(len(loads), 1, -1):
        chosen = [loads[at] for at in spread(len(loads), count)]
        if sum(one.seconds(one.least_epochs) for one in chosen) <= seconds:
            return count
    return min(1, len(loads))


def spread(total: int, count: int) -> list[int]:
    """``count`` of the places 0 to ``total`` - 1, evenly spaced, with the first and the last."""
    if count >= total:
        return list(range(total))
    if count < 2:
        return [total // 2][:count]
    return sorted({round(at * (total - 1) / (count - 1)) for at in range(count)})


def epochs(loads: Sequence[Load], number: int, whole: int, seconds: float) -> int:
    """The epochs of a round that takes at most so many seconds; 0 if there is no time for it.

    ``whole`` are those of an entire training.
    """
    most = max(1, math.ceil(whole * SHARES[number]))
    fixed = SECONDS_A_TRIAL * len(loads)
    possible = int((seconds - fixed) / sum(one.rate * one.images for one in loads))
    least = max(one.least_epochs for one in loads) if number == 0 else 1
    if possible < least:
        return 0
    return min(possible, max(most, least))


def staying(count: int) -> int:
    """How many of a round's candidates go on."""
    return max(1, math.ceil(count / STAY))


def next_number(number: int, staying_count: int) -> int | None:
    """The next round; a single candidate goes to the last one at once. None after that."""
    if number >= ROUNDS - 1:
        return None
    return ROUNDS - 1 if staying_count == 1 else number + 1
