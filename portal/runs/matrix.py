"""The confusion matrix as a table: each non-empty cell links to its images."""

from __future__ import annotations

from dataclasses import dataclass

MOST_CLASSES = 60  # a larger table is unreadable; the list of mistakes shows the same
LEVELS = 5  # shades of a cell


@dataclass(frozen=True)
class Cell:
    """``answer_name`` is the predicted class; ``level`` is 0 for an empty cell, LEVELS for the fullest."""

    truth: int
    answer: int
    answer_name: str
    count: int
    level: int

    @property
    def is_right(self) -> bool:
        return self.truth == self.answer


@dataclass(frozen=True)
class Matrix:
    """Rows are true classes, columns predicted classes. ``names`` head both."""

    names: list[str]
    rows: list[tuple[str, list[Cell]]]


def matrix_of(metrics: dict, names: list[str]) -> Matrix | None:
    """None if there is none, or it has too many classes to draw."""
    counts = metrics.get("confusion") or []
    if not 0 < len(counts) <= MOST_CLASSES:
        return None
    most = max((max(row) for row in counts), default=0)
    rows = [
        (name, [_cell(truth, answer, names[answer], count, most) for answer, count in enumerate(row)])
        for truth, (name, row) in enumerate(zip(names, counts, strict=False))
    ]
    return Matrix(names[: len(counts)], rows)


def _cell(truth: int, answer: int, answer_name: str, count: int, most: int) -> Cell:
    # One mistake among hundreds of right predictions must be visible: mistakes start darker.
    least = 1 if truth == answer else 2
    level = min(LEVELS, least + (LEVELS * count) // (most + 1)) if count else 0
    return Cell(truth, answer, answer_name, count, level)
