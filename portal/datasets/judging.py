"""What the images of a version say about it as a whole: each concerned image is marked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from . import names
from .findings import Findings
from .index import ImageRow


def judge(images: list[ImageRow], class_names: Sequence[str], task: str, findings: Findings) -> None:
    """Add the findings that follow from ``images`` alone; they have their ids and their split."""
    _report_copies(images, findings)


def _report_copies(images: list[ImageRow], findings: Findings) -> None:
    """Report pictures that lie in two classes, or on both sides of the split."""
    copies: dict[str, list[ImageRow]] = defaultdict(list)
    for image in images:
        copies[image.sha256].append(image)
    for same in copies.values():
        if len(same) == 1:
            continue
        for image in same:
            other = next(copy for copy in same if copy is not image)
            text = f"= {names.show(other.original)}"
            if len({image.class_id for image in same}) > 1:
                message = (
                    "{count} images are there in more than one class, so some of their labels are wrong."
                )
                findings.mark("warn", "copy-in-two-classes", message, image, text)
            if len({image.split for image in same}) > 1:
                message = (
                    "{count} images are trained on and measured with, so results look better than they are."
                )
                findings.mark("warn", "copy-in-both-splits", message, image, text)
