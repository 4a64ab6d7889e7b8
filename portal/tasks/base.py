"""The interface of all tasks. It knows rows of predictions and plain facts, no models of other apps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.core.untrusted import Check
from portal.tasks.doubts import Doubt
from portal.tasks.figures import Change, Chart, Column, Predicted, Shown, Thresholds
from workers.contract.messages import msg
from workers.datakit import tasks as labels

Prediction = dict[str, Any]
MAX_LABEL_ID = 99_999
# A score that a board summed in float16 may be slightly above one.
SCORE_SLACK = 0.001


class Stage(models.TextChoices):
    """Where between training and board a model was evaluated."""

    PADDLE = "paddle", _("Paddle")
    ONNX = "onnx", "ONNX"
    SIMULATOR = "simulator", _("Simulator")
    BOARD = "board", _("Board")


# What each stage is compared with: the previous one.
BEFORE = {Stage.ONNX: Stage.PADDLE, Stage.SIMULATOR: Stage.ONNX, Stage.BOARD: Stage.SIMULATOR}


@dataclass(frozen=True)
class DatasetFacts:
    """The facts about a dataset version that decide whether a task can be trained on it.

    ``task`` is that of its labels. ``errors``: sentences of the findings that are errors in the data.
    """

    task: str
    class_names: list[str]
    train_images: int
    val_images: int
    errors: list[str] = field(default_factory=list)


class Task(ABC):
    """One task. ``metric`` names the figure that stands for a model's quality, a fraction from 0 to 1.

    ``class_columns`` are figures per class, by their names in ``summarise``; ``class_metric`` is the one by
    which stages and runs are compared, also a fraction.
    """

    name: str
    # The artifact by which a model teaches another one, and whether it teaches those of other input sizes.
    teaching = "best_model.pdparams"
    teaches_any_size = False
    metric: str
    metric_title: str
    charts: tuple[Chart, ...]
    class_columns: tuple[Column, ...]
    class_metric: str
    second_metric: Column | None = None  # a fraction shown beside the metric
    scoring: ModuleType  # of ``workers/datakit/scoring``
    answer: Check  # the fields of a board's response that hold its prediction
    is_known = True
    has_threshold = False  # predictions have a display threshold that can be set per model
    program_name = "predict"  # of the programs in ``models/board_code/``
    # The order of ``pictures``, as a phrase.
    pictures_order = _("surest predictions first")

    @property
    def title(self) -> str:
        """The name within a sentence, as a message."""
        return labels.get(self.name).title

    def refusals(self, facts: DatasetFacts) -> list[str]:
        """Why a model of this task cannot be trained on such data: sentences; none if it can."""
        if facts.task == self.name:
            return list(facts.errors)
        return [
            msg(
                "This is a dataset for {other} and the recipe is for {task}: choose a dataset for {task}, "
                "or a recipe for {other}.",
                task=self.title,
                other=labels.get(facts.task).title,
            )
        ]

    def doubts(self, metrics: dict[str, Any], before: dict[str, Any] | None) -> list[Doubt]:
        """Doubts about a model with these metrics; ``before`` are those of the model it was converted
        from.
        """
        return []

    def interval(self, metrics: dict[str, Any]) -> tuple[float, float] | None:
        """The 95 % confidence interval of the metric; None if unknown."""
        return None

    def pictures(
        self, predictions: list[Prediction], truth: int | None, answer: int | None, names: list[str]
    ) -> list[Shown]:
        """The images of class ``truth`` predicted as ``answer``, highest score first; the mistakes if one
        of them is None.
        """
        return []

    def kept(self, answer: dict[str, Any]) -> dict[str, Any]:
        """What is stored of a board's prediction for a person's image."""
        return self.answer(answer, "answer")

    @abstractmethod
    def view(
        self, prediction: dict[str, Any], size: tuple[int, int] | None, thresholds: Thresholds
    ) -> Predicted:
        """The stored prediction, in words and as boxes over the image of ``size`` (width, height)."""

    def boxes(self, prediction: dict[str, Any], thresholds: Thresholds) -> list[dict[str, Any]]:
        """The boxes of a stored prediction that are displayed, each in the format of a board's response."""
        return []

    def least_sure(self, prediction: dict[str, Any], thresholds: Thresholds) -> float | None:
        """The lowest displayed score of a stored prediction; None if nothing is displayed."""
        return prediction.get("score")

    def margin(self, prediction: dict[str, Any], thresholds: Thresholds) -> float | None:
        """How close the two best classes of a stored prediction are, in score; None if that is unknown."""
        return None

    def differ(self, before: dict[str, Any], after: dict[str, Any], thresholds: Thresholds) -> bool:
        """Whether two stored predictions for one image, with the names of their classes, disagree."""
        return self.label_of(before, thresholds) != self.label_of(after, thresholds)

    def label_of(self, prediction: dict[str, Any], thresholds: Thresholds) -> Any:
        """The label that a stored prediction proposes for its image: the name of the class, or boxes, each
        ``[name, left, top, width, height]``.
        """
        return None

    def proposed(
        self, prediction: Prediction, classes: list[int | None], least_score: float
    ) -> tuple[Any, float] | None:
        """A prediction's proposed label for an image, and its score; None if there is none.

        ``classes`` maps each class of the model to one of the dataset, or None for one that is left out.
        """
        return None

    def summarise(self, predictions: list[Prediction], class_names: list[str]) -> dict[str, Any]:
        """The metrics of predictions: ``{metric: …, "images": n, "per_class": […], …}``."""
        return self.scoring.summarise(predictions, class_names)

    def compare(self, before: list[Prediction], after: list[Prediction]) -> dict[str, Any]:
        """What changed between two stages on the same images: see ``workers.datakit.scoring``."""
        return self.scoring.compare(before, after)

    def changed(self, before: list[Prediction], after: list[Prediction]) -> list[dict[str, Any]]:
        """The images whose prediction changed, each with ``image`` and what ``change`` needs."""
        return self.scoring.changed(before, after)

    @abstractmethod
    def change(self, row: dict[str, Any], names: list[str]) -> Change:
        """A row of ``changed`` in words; ``names`` are the classes."""

    @abstractmethod
    def golden(self, predictions: list[Prediction], count: int) -> list[tuple[str, dict[str, Any]]]:
        """Golden images, each with the fields expected in the board's response."""

    @abstractmethod
    def prediction(self, row: Prediction, answer: dict[str, Any]) -> Prediction:
        """A board's prediction for the image of ``row``, a prediction of another stage; empty if there is
        none.
        """

    @abstractmethod
    def fault(self, answer: dict[str, Any], classes: int) -> str:
        """What is impossible for a model with this many classes, in a few words; empty if nothing is."""
