"""The page of a version: verdict, findings, classes, distributions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.core.messages import shown
from portal.core.templatetags.slipway import bytesize
from portal.datasets import diffs
from portal.datasets.change_texts import split_label
from portal.datasets.fixes import Fix, fixes
from portal.datasets.models import DatasetVersion
from workers.datakit import export
from workers.datakit.findings import LEVELS
from workers.datakit.index import ImageRow, Index
from workers.datakit.readers import LAYOUTS

BARS = 50  # classes in the chart
CLASSES = 25  # per page of the table
SAMPLES = 8
ORDERS = ("id", "fewest", "most", "name")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a version is fit for training: ``level`` is "ready", "warn" or "refused"."""

    level: str
    title: str
    sentence: str


def verdict(version: DatasetVersion) -> Verdict:
    refusals = version.training_refusals
    if refusals:
        more = len(refusals) - 1
        rest = ngettext(" And %(more)d more thing, see below.", " And %(more)d more things, see below.", more)
        sentence = shown(refusals[0]) + (rest % {"more": more} if more else "")
        return Verdict("refused", _("Blocked"), sentence)
    warnings = sum(finding["level"] == "warn" for finding in version.findings)
    if warnings:
        title = ngettext("Review %(count)d warning first", "Review %(count)d warnings first", warnings)
        sentence = _("Training is possible, and would learn from these mistakes as well.")
        return Verdict("warn", title % {"count": warnings}, sentence)
    return Verdict("ready", _("Ready to train"), _("The check found nothing in the way of training."))


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding as the page shows it. ``pictures`` are ids of images, ``texts`` are about something else.

    ``in_grid`` says whether the grid can show its images; ``fixes`` lead to where a person can fix it.
    """

    level: str
    code: str
    message: str
    advice: str
    count: int
    pictures: list[tuple[int, str]]
    texts: list[str]
    fixes: list[Fix]

    @property
    def in_grid(self) -> bool:
        return bool(self.pictures)


def findings(version: DatasetVersion, without: Container[str] = ()) -> list[tuple[str, list[FindingView]]]:
    """The findings by level, most severe first, without empty levels and without the codes in ``without``."""
    found = [
        _finding_view(version, finding) for finding in version.findings if finding["code"] not in without
    ]
    by_level = [(level, [one for one in found if one.level == level]) for level in LEVELS]
    return [(level, some) for level, some in by_level if some]


def _finding_view(version: DatasetVersion, finding: dict[str, Any]) -> FindingView:
    # In old versions, created before images had ids, an example is a text.
    examples = [one if isinstance(one, dict) else {"image": None, "text": one} for one in finding["examples"]]
    pictures = [(one["image"], one["text"]) for one in examples if one["image"]]
    return FindingView(
        level=finding["level"],
        code=finding["code"],
        message=finding["message"],
        advice=finding.get("advice", ""),
        count=finding["count"],
        pictures=pictures,
        texts=[one["text"] for one in examples if not one["image"]],
        fixes=fixes(version, finding, bool(pictures)),
    )


@dataclass(frozen=True, slots=True)
class ClassRow:
    class_id: int
    name: str
    train: int
    val: int
    test: int
    total: int
    boxes: int | None
    samples: list[ImageRow]


@dataclass(frozen=True, slots=True)
class ClassPage:
    """A page of classes, in an order; ``number`` counts pages from 1."""

    rows: list[ClassRow]
    order: str
    number: int
    pages: int
    classes: int


def classes(version: DatasetVersion, index: Index, order: str, number: int) -> ClassPage:
    """A page of the classes with a few images of each."""
    rows = list(enumerate(version.counts))
    if order == "fewest":
        rows.sort(key=lambda pair: pair[1]["total"])
    elif order == "most":
        rows.sort(key=lambda pair: -pair[1]["total"])
    elif order == "name":
        rows.sort(key=lambda pair: pair[1]["name"].casefold())
    pages = max(1, -(-len(rows) // CLASSES))
    number = max(1, min(number, pages))
    shown = [
        ClassRow(class_id, row["name"], row["train"], row["val"], row.get("test", 0), row["total"],
                 row.get("boxes"), index.samples(class_id, SAMPLES))
        for class_id, row in rows[(number - 1) * CLASSES : number * CLASSES]
    ]  # fmt: skip
    return ClassPage(shown, order if order in ORDERS else "id", number, pages, len(rows))


def bars(version: DatasetVersion) -> list[dict[str, Any]]:
    """The classes of the chart: all, or the largest if there are too many."""
    if len(version.counts) <= BARS:
        return version.counts
    return sorted(version.counts, key=lambda row: -row["total"])[:BARS]


@dataclass(frozen=True, slots=True)
class Distribution:
    """A histogram: ``bins`` are (label, count), without empty ones at either end."""

    name: str
    title: str
    hint: str
    bins: list[tuple[str, int]]


def distributions(version: DatasetVersion) -> list[Distribution]:
    """The histograms of a version; none for an old version without any."""
    titles = {
        "long_side": (_("Longer side, pixels"), ""),
        "aspect": (_("Width by height"), _("below 1: upright, above: lying")),
        "brightness": (_("Brightness"), _("0 is black, 255 is white")),
        "sharpness": (_("Sharpness"), _("a blurred image has little")),
        "file_bytes": (_("Size of the file"), ""),
        "boxes_per_image": (_("Boxes on an image"), ""),
        "box_area": (_("Size of a box"), _("part of its image")),
    }
    found = []
    for name, (title, hint) in titles.items():
        histogram = version.statistics.get(name)
        if histogram and any(histogram["counts"]):
            found.append(Distribution(name, title, hint, _bins(name, **histogram)))
    return found


def _bins(name: str, edges: list[float | None], counts: list[int]) -> list[tuple[str, int]]:
    filled = [place for place, count in enumerate(counts) if count]
    shown = range(max(0, filled[0] - 1), min(len(counts), filled[-1] + 2))
    return [(_range(name, edges[place], edges[place + 1]), counts[place]) for place in shown]


def _range(name: str, low: float, high: float | None) -> str:
    """``64 to 127`` for whole values, ``0.5 to 0.67`` otherwise."""
    if name in ("long_side", "boxes_per_image", "brightness"):
        last = None if high is None else int(high) - 1
        if last == low:
            return f"{low:g}"
        return _above(f"{low:g}") if last is None else f"{low:g}–{last}"
    one, two = _edge(name, low), "" if high is None else _edge(name, high)
    return f"{one}–{two}" if two else _above(one)


def _edge(name: str, value: float) -> str:
    if name == "file_bytes":
        return bytesize(value).replace(".0 ", " ")
    return f"{100 * value:g} %" if name == "box_area" else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _above(low: str) -> str:
    return _("%(low)s and more") % {"low": low}


def exports(version: DatasetVersion) -> list[tuple[str, str]]:
    """The formats that can hold the version: key and name."""
    return [(key, LAYOUTS[key].name) for key, writers in export.FORMATS.items() if version.task in writers]


def diff_kinds(counts: dict[str, int]) -> list[tuple[str, str, int]]:
    """The kinds of changes between two versions: filter value, name, count."""
    titles = {
        "added": _("added"),
        "removed": _("removed"),
        "relabelled": _("relabelled"),
        "moved": _("moved to another split"),
    }
    return [(kind, title, counts[kind]) for kind, title in titles.items()]


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A changed image, in words."""

    kind: str
    title: str
    before: ImageRow | None
    after: ImageRow | None
    label_before: str
    label_after: str
    split_before: str
    split_after: str


def change_views(page: diffs.Page) -> list[ChangeView]:
    titles = {kind: title for kind, title, _count in diff_kinds(page.counts)}
    return [
        ChangeView(
            kind=change.kind,
            title=titles[change.kind],
            before=change.before and change.before.image,
            after=change.after and change.after.image,
            label_before=_label(change.before),
            label_after=_label(change.after),
            split_before=split_label(change.before.image.split) if change.before else "",
            split_after=split_label(change.after.image.split) if change.after else "",
        )
        for change in page.changes
    ]


def _label(image: diffs.ImageState | None) -> str:
    """The class of an image, or the classes of its boxes with their counts."""
    if image is None:
        return ""
    if image.boxes is None:
        return image.class_name
    counts = Counter(box[0] for box in image.boxes)
    return ", ".join(f"{name} × {count}" for name, count in sorted(counts.items()))
