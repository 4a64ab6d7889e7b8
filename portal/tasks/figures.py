"""The task-specific parts of pages: charts of a training, columns of a class table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Line:
    """A curve of a training: the metric's name in the job, and its label in the chart.

    ``compared`` is its heading where runs are compared; without one it is not drawn there.
    """

    metric: str
    title: str
    compared: str = ""


@dataclass(frozen=True)
class Chart:
    """Curves in one chart. ``share``: they are fractions, drawn as percentages."""

    name: str
    title: str
    lines: tuple[Line, ...]
    share: bool = False

    def as_data(self) -> dict[str, Any]:
        """For the page's script."""
        lines = [[line.metric, str(line.title)] for line in self.lines]
        return {"title": str(self.title), "factor": 100 if self.share else 1, "lines": lines}


@dataclass(frozen=True)
class Column:
    """A figure per class; ``unit`` as in ``runs/_value.html``: number or share."""

    name: str
    title: str
    unit: str = "number"


LOSS = Chart(
    "loss",
    _("Loss"),
    (Line("train/loss", _("training"), _("Training loss")), Line("val/loss", _("validation"))),
)
LEARNING_RATE = Chart("lr", _("Learning rate"), (Line("train/lr", _("learning rate"), _("Learning rate")),))
SPEED = Chart("ips", _("Images per second"), (Line("train/ips", _("images")),))


@dataclass(frozen=True)
class Drawn:
    """A box over an image, in its pixels.

    ``kind``: truth, found, lost (missed) or new (extra), or the number of a colour if all are found.
    ``hidden``: shown only when the page's thresholds change.
    """

    kind: str
    name: str
    score: float | None
    left: float
    top: float
    width: float
    height: float
    hidden: bool = False


@dataclass(frozen=True)
class Overlay:
    """What is drawn over an image of ``width`` × ``height`` pixels."""

    width: int
    height: int
    boxes: tuple[Drawn, ...]

    @property
    def font(self) -> float:
        """The font size for an image as wide as the page, in pixels of the image."""
        return round(max(self.width, self.height) / 36, 2)

    @property
    def large_font(self) -> float:
        """The same for a thumbnail."""
        return round(max(self.width, self.height) / 16, 2)

    @property
    def shown(self) -> list[Drawn]:
        return [box for box in self.boxes if not box.hidden]


@dataclass(frozen=True)
class Thresholds:
    """Which of a board's boxes are displayed: from ``score`` on, without those that overlap a
    higher-scoring box of their class by more than ``overlap``.
    """

    score: float
    overlap: float


@dataclass(frozen=True)
class Predicted:
    """A board's prediction for an image, in words. ``least_score``: it reports no boxes with a lower one;
    ``top``: classes with scores, highest first, if the engine reports more than one.
    """

    words: str
    score: float | None = None
    overlay: Overlay | None = None
    least_score: float | None = None
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Change:
    """An image whose prediction changed between two stages, in words. ``image`` is a file of the version.

    ``drift`` says how far its scores moved, 0 to 1. ``gain`` is 1 if the prediction became better, -1 if it
    became worse, 0 if neither, and ``gained`` says so. ``scores`` are those of ``before`` and ``after``,
    where each is one label. ``sides`` are the previous and the later stage alone.
    """

    image: str
    truth: str
    before: str
    after: str
    right: bool
    drift: float
    gain: int
    gained: str
    scores: tuple[float | None, float | None] | None = None
    overlay: Overlay | None = None
    sides: tuple[Overlay, Overlay] | None = None


@dataclass(frozen=True)
class Shown:
    """One image with its prediction, in words. ``score``: 0 to 1, None if unknown."""

    image: str
    truth: str
    answer: str
    score: float | None
    right: bool
    overlay: Overlay | None = None


def class_name(number: int | None, names: list[str]) -> str:
    """A class's name; words for a class that the version lacks, and for no prediction."""
    if number is None:
        return str(_("no prediction"))
    return names[number] if 0 <= number < len(names) else str(_("class %(number)s") % {"number": number})
