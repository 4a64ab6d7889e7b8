"""Parses the log of PaddleDetection and of Slipway's launchers for it, line by line. Pure functions.

``tests/workers/train/logs`` holds a captured one.
"""

from __future__ import annotations

import re

from workers.train.progress import EvalLine, MarkLine, TrainLine, mark_line, values

_TRAIN = re.compile(r"Epoch: \[(\d+)\] \[ *(\d+)/(\d+)\] (.*)")
_EVAL = re.compile(r"\[Eval\]\[Epoch (\d+)\] (.*)")


def parse_line(line: str) -> TrainLine | EvalLine | MarkLine | None:
    """Parse a line of the log; None if it is not about progress."""
    if match := _TRAIN.search(line):
        # The suite counts epochs and steps from 0.
        epoch, step, steps = (int(group) for group in match.groups()[:3])
        return TrainLine(epoch + 1, step + 1, steps, values(match.group(4)))
    if match := _EVAL.match(line):
        return EvalLine(int(match.group(1)), values(match.group(2)))
    return mark_line(line)
