"""The validated parameters of a training, which every other module uses. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EVALUATION_BATCH = 64
# Methods other than plain training: see workers/train/methods/.
# CONTINUATION is plain training from the weights of a model that may be pruned.
QAT, DISTILLATION, PRUNING, CONTINUATION = "qat", "distill", "prune", "continue"
METHODS = (QAT, DISTILLATION, PRUNING, CONTINUATION)
UNLABELLED = -1  # the class id of an unlabelled image


@dataclass(frozen=True)
class Contents:
    """The contents of a dataset: images of each split, and notices for the person."""

    train_images: int
    val_images: int
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """One training, ready to run: every path absolute, every number validated.

    ``task`` names a class of ``workers/train/tasks/``. ``input_size`` is (width, height) in pixels.
    ``recipe`` is the whole recipe file. ``checkouts`` maps names of training suites to folders. ``method``
    holds the name of one of ``METHODS`` and its settings; None for plain training.
    """

    task: str
    dataset: Path
    recipe: dict[str, Any]
    class_names: list[str]
    input_size: tuple[int, int]
    epochs: int
    batch_size: int
    learning_rate: float
    augmentation: str
    seed: int
    device: str
    train_images: int
    val_images: int
    pretrained: Path | None = None
    teacher: Path | None = None
    unlabelled: Path | None = None
    resume: Path | None = None
    checkouts: dict[str, Path] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    method: dict[str, Any] | None = None

    @property
    def steps_per_epoch(self) -> int:
        return self.train_images // self.batch_size

    @property
    def num_classes(self) -> int:
        return len(self.class_names)
