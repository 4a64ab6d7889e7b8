"""The splits of a staged dataset, and which of them a model is measured on. Standard library only."""

from __future__ import annotations

from pathlib import Path

TRAIN, VAL, TEST = SPLITS = ("train", "val", "test")


def measured_split(dataset: Path) -> str:
    """``test`` where the staged dataset keeps images for it, else ``val``, which picks the best epoch."""
    return TEST if (dataset / f"{TEST}.txt").is_file() else VAL
