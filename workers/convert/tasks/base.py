"""What a task must say for its models to be converted and measured. Standard library only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Prediction = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """An image of a split: its path inside the staged dataset, and its truth as the task reads it."""

    image: str
    truth: Any


class Task(ABC):
    """One task."""

    name: str

    @abstractmethod
    def read_split(self, folder: Path, split: str, classes: int) -> list[Sample]:
        """Return the images of the staged dataset's split, ``train``, ``val`` or ``test``.

        Raises InputError when the split is missing, empty or not one of this task with so many classes.
        """

    @abstractmethod
    def without_truth(self, image: str, width: int, height: int) -> Sample:
        """Return an image of so many pixels of which nothing is known, as ``decode`` takes it."""

    @abstractmethod
    def choose_calibration(self, samples: Sequence[Sample], count: int, seed: int) -> list[str]:
        """Return at most ``count`` images that stand for all of them, the same for one seed."""

    @abstractmethod
    def check_outputs(self, shapes: list[list[int]], class_names: list[str]) -> None:
        """Raise ToolchainError unless a model with outputs of these shapes is one of this task."""

    @abstractmethod
    def decode(self, sample: Sample, outputs: Sequence[Any], input_size: tuple[int, int]) -> Prediction:
        """Return the prediction in a model's outputs for an image, see ``workers/datakit/scoring``.

        ``outputs`` are float32 arrays, as the network gives them for one image that was stretched to
        ``input_size`` (width, height).
        """

    @abstractmethod
    def summarise(self, predictions: list[Prediction], class_names: list[str]) -> dict[str, Any]:
        """Return the metrics of predictions."""
