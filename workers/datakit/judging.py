"""Findings from a version's images: each affected image is marked, other findings are added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workers.contract.messages import msg, msg_n

from . import names
from .duplicates import mark_duplicates
from .findings import Findings
from .index import ImageRow
from .marks import MARKS, mark
from .outliers import mark_outliers

TINY_BOX = 3.0  # pixels
# With fewer images than this, a class's accuracy is measured on two images or so and says nothing.
SMALL_CLASS = 10
# Beyond this, a model that always predicts the large class scores well (Buda and others, "A systematic study
# of the class imbalance problem", 2018, find harm from there on).
UNEQUAL = 10


def judge(images: list[ImageRow], counts: Sequence[dict[str, Any]], findings: Findings) -> None:
    """Add the findings that follow from ``images`` alone, and mark the images again.

    The images have their ids and splits; ``counts`` are those of ``assemble.class_counts``.
    """
    for image in images:
        for code in [code for code in image.marks if MARKS[code].judged]:
            del image.marks[code]
    _judge_names(counts, findings)
    if _has_no_boxes(images):
        # Nothing of the rest says more, and an image without a box is not background yet.
        findings.add("error", "no-boxes", msg("No image has a box yet, so there is nothing to learn."))
    else:
        _judge_classes(counts, findings)
        _mark_boxes(images)
    _mark_unlabelled(images)
    mark_duplicates(images)
    mark_outliers(images)
    findings.count_marks(images)


def _has_no_boxes(images: list[ImageRow]) -> bool:
    """Whether it is a set for boxes and none was drawn so far."""
    return all(image.boxes is not None and not image.boxes for image in images)


def _judge_names(counts: Sequence[dict[str, Any]], findings: Findings) -> None:
    for first, second in names.collisions([row["name"] for row in counts]):
        message = msg(
            "The classes {first} and {second} look like one class spelled in two ways: merge them, or rename "
            "one.",
            first=repr(first),
            second=repr(second),
        )
        findings.add(
            "error",
            "class-name-collision",
            message,
            msg("{first} and {second}", first=repr(first), second=repr(second)),
        )


def _judge_classes(counts: Sequence[dict[str, Any]], findings: Findings) -> None:
    has_test = any(row["test"] for row in counts)
    for row in counts:
        shown = names.show(row["name"])
        if not row["train"]:
            message = msg_n(
                "{count} class has no image in the training split, so it cannot be learned.",
                "{count} classes have no image in the training split, so they cannot be learned.",
            )
            findings.add("error", "no-train-images", message, shown)
        if not row["val"]:
            message = msg_n(
                "{count} class has no image in the validation split, so it cannot be measured.",
                "{count} classes have no image in the validation split, so they cannot be measured.",
            )
            findings.add("warn", "no-val-images", message, shown)
        if has_test and not row["test"]:
            message = msg_n(
                "{count} class has no image in the test split, so it is not measured.",
                "{count} classes have no image in the test split, so they are not measured.",
            )
            findings.add("warn", "no-test-images", message, shown)
        if row["total"] < SMALL_CLASS:
            message = msg_n(
                "{count} class has fewer than {small_class} images.",
                "{count} classes have fewer than {small_class} images.",
                0,
                small_class=SMALL_CLASS,
            )
            findings.add("warn", "small-classes", message, f"{shown}: {row['total']}")
    _judge_balance(counts, findings)


def _judge_balance(counts: Sequence[dict[str, Any]], findings: Findings) -> None:
    largest = max(counts, key=lambda row: row["total"])
    for row in counts:
        if row["total"] * UNEQUAL < largest["total"]:
            message = msg_n(
                "{count} class has less than a tenth of the images of the largest one ({name}: {total}).",
                "{count} classes have less than a tenth of the images of the largest one ({name}: {total}).",
                0,
                name=names.show(largest["name"]),
                total=largest["total"],
            )
            findings.add("warn", "unequal-classes", message, f"{names.show(row['name'])}: {row['total']}")


def _mark_unlabelled(images: list[ImageRow]) -> None:
    for image in images:
        if image.is_unlabelled:
            mark(image, "unlabelled")


def _mark_boxes(images: list[ImageRow]) -> None:
    for image in images:
        if image.boxes is None:
            continue
        if not image.boxes:
            mark(image, "images-without-boxes")
        places = range(0, len(image.boxes), 5)
        tiny = sum(min(image.boxes[start + 3], image.boxes[start + 4]) < TINY_BOX for start in places)
        if tiny:
            mark(
                image,
                "box-tiny",
                msg_n("{tiny} of {count} box", "{tiny} of {count} boxes", len(image.boxes) // 5, tiny=tiny),
            )
