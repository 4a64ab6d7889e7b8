"""Progress in logs, and the parser of PaddleClas's log, line by line. Pure functions.

Lines look the same in ppcls 2.4.0 and upstream; ``tests/workers/train/logs`` holds captured ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# The engine process prints these around PaddleX's own output.
MARK = "@@slipway@@"
# And the suite's launcher prints this if the kernels cannot be used.
WITHOUT_KERNELS = "no-kernels"
# And this, with the smallest possible fraction of its cost, if a network cannot be pruned that far.
TOO_SMALL = "too-small"
# And this, with the name of a layer, if its channels are not where those of the layers before it are.
ENTANGLED = "entangled"
NOT_PRUNED = (TOO_SMALL, ENTANGLED)
# And this, before a JSON object with the result of ``precise_bn``.
SETTLED = "settled"

_TRAIN = re.compile(r"\[Train\]\[Epoch (\d+)/\d+\]\[Iter: (\d+)/(\d+)\](.*)")
_EVAL = re.compile(r"\[Eval\]\[Epoch (\d+)\]\[Avg\](.*)")
# A name starts where no letter precedes it: trying at every letter would be slow for long words.
_VALUE = re.compile(
    r"(?<!\w)([A-Za-z_]\w*)(?:\(\w*\))?: (nan|-?inf|-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)", re.IGNORECASE
)


@dataclass(frozen=True)
class TrainLine:
    """One iteration: ``step`` counts from 1 within the epoch; ``values`` has lr, top1, loss, ips …"""

    epoch: int
    step: int
    steps: int
    values: dict[str, float]


@dataclass(frozen=True)
class EvalLine:
    """The figures on the validation split after an epoch: the task's metric as a fraction, loss in nats …"""

    epoch: int
    values: dict[str, float]


@dataclass(frozen=True)
class MarkLine:
    """A message of the engine process."""

    text: str


def parse_line(line: str) -> TrainLine | EvalLine | MarkLine | None:
    """Parse a line of the log; None if it is not about progress."""
    if match := _TRAIN.search(line):
        epoch, iteration, steps = (int(group) for group in match.groups()[:3])
        return TrainLine(epoch, iteration + 1, steps, values(match.group(4)))
    if match := _EVAL.search(line):
        return EvalLine(int(match.group(1)), values(match.group(2)))
    return mark_line(line)


def mark_line(line: str) -> MarkLine | None:
    return MarkLine(line.removeprefix(MARK).strip()) if line.startswith(MARK) else None


def values(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in _VALUE.findall(text)}
