"""What a task must define for its models to be converted and measured. Standard library only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Prediction = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """An image of a split: its path inside the staged dataset, and its ground truth in the task's format."""

    image: str
    truth: Any


class Task(ABC):
    """One task."""

    name: str

    @abstractmethod
    def read_split(self, folder: Path, split: str, classes: int) -> list[Sample]:
        """Return the images of the staged dataset's split, ``train``, ``val`` or ``test``.

        Raises InputError if the split is missing, empty or not one of this task with this many classes.
        """

    @abstractmethod
    def translated(self, samples: list[Sample], class_map: list[int | None]) -> list[Sample]:
        """Return the samples with their ground truth in the network's classes.

        ``class_map`` has the network's class for each class of the dataset, or None. Images whose truth no
        class of the network tells are left out; if that would be all of them, they stay, without truth.
        """

    @abstractmethod
    def without_truth(self, image: str, width: int, height: int) -> Sample:
        """Return an image of this size without ground truth, as ``decode`` takes it."""

    @abstractmethod
    def choose_calibration(self, samples: Sequence[Sample], count: int, seed: int) -> list[str]:
        """Return at most ``count`` representative images, deterministic by seed."""

    @abstractmethod
    def check_outputs(self, shapes: list[list[int]], class_names: list[str]) -> None:
        """Raise ToolchainError unless output shapes like these belong to a model of this task."""

    @abstractmethod
    def decode(self, sample: Sample, outputs: Sequence[Any], input_size: tuple[int, int]) -> Prediction:
        """Return the prediction from a model's outputs for an image, see ``workers/datakit/scoring``.

        ``outputs`` are float32 arrays, as the network returns them for one image that was stretched to
        ``input_size`` (width, height).
        """

    @abstractmethod
    def summarise(self, predictions: list[Prediction], class_names: list[str]) -> dict[str, Any]:
        """Return the metrics of predictions."""
