"""What a task must define for the program to train it. Standard library only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workers.train.parameters import Contents, Plan
from workers.train.progress import EvalLine, MarkLine, TrainLine
from workers.train.suite import Suite
from workers.train.yaml_files import CONFIGS, load_yaml

Prediction = dict[str, Any]


class Task(ABC):
    """One task. ``metric`` chooses the best epoch: a fraction, by its name in the suite's log.

    ``validated`` are the figures of an epoch that become curves, ``curves`` maps those of a step to the names
    of the job's curves, both by their names in the log. ``suite`` trains it, by plain training or by one of
    ``methods``. ``teaches_by_onnx``: a model teaches others by its slim ONNX file, not by its weights.
    """

    name: str
    metric: str
    validated: tuple[str, ...]
    curves: Mapping[str, str]
    suite: Suite
    methods: tuple[str, ...] = ()
    teaches_by_onnx = False

    # --- the dataset and the parameters ---

    @abstractmethod
    def check_classes(self, class_names: list[str]) -> None:
        """Raise InputError if a model of this task cannot have these classes."""

    @abstractmethod
    def read_contents(self, dataset: Path, class_names: list[str]) -> Contents:
        """Return the contents of a staged dataset.

        Raises InputError if it is not one of this task.
        """

    # --- the training suite ---

    def suite_files(self, *names: str) -> Iterator[Any]:
        """Yield the base configurations in files of ``configs/<suite>/``."""
        return (load_yaml(CONFIGS / self.suite.distribution / f"{name}.yaml") for name in names)

    @abstractmethod
    def suite_configuration(self, plan: Plan, output: Path) -> dict[str, Any]:
        """Return the suite's complete configuration of the training, which saves into ``output``.

        Raises InputError for parameters that the suite does not support.
        """

    @abstractmethod
    def with_teacher(self, plan: Plan, scratch: Path) -> Plan:
        """Return the plan of a distillation with the further images among its own.

        Raises InputError if the teacher or the images cannot be used.
        """

    @abstractmethod
    def parse_line(self, line: str) -> TrainLine | EvalLine | MarkLine | None:
        """Parse a line of the log; None if it is not about progress."""

    # --- what was trained ---

    @abstractmethod
    def cut_tensors(self, graph: Any) -> list[str]:
        """Return the tensors at which the ONNX graph ends for the board.

        Raises ToolchainError if the network is not one of this task.
        """

    @abstractmethod
    def evaluate(self, plan: Plan, inference: Path, slim: Path) -> list[Prediction]:
        """Return the Paddle model's predictions for the measured split's images; see ``datakit/scoring``.

        Raises ToolchainError if the slim ONNX model predicts differently from the Paddle model.
        """

    @abstractmethod
    def summarise(self, predictions: list[Prediction], class_names: list[str]) -> dict[str, Any]:
        """Return the metrics of predictions."""
