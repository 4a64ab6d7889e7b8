"""The splits of a staged dataset, and which of them models are measured on. Standard library only."""

from __future__ import annotations

from pathlib import Path

TRAIN, VAL, TEST = SPLITS = ("train", "val", "test")


def measured_split(dataset: Path) -> str:
    """``test`` if the staged dataset has such images, else ``val``, which picks the best epoch."""
    return TEST if (dataset / f"{TEST}.txt").is_file() else VAL
