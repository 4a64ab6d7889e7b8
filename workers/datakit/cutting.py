"""Makes a classification dataset from boxes: each box an image of its own, or each image with its class.

The result is an archive in a format that ``readers`` know. Images keep their split, so that nothing of a
validation or test image is ever trained on.
"""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from workers.contract.messages import msg, msg_n
from workers.contract.splits import SPLITS

from .errors import InputError
from .findings import Findings
from .limits import Limits
from .packing import INDEX, LABELS

CROPS, LABELLED = WAYS = ("crops", "labels")
LAYOUT = "paddlex"
MOST_MARGIN = 1.0
QUALITY = 95  # of a JPEG


@dataclasses.dataclass(frozen=True, slots=True)
class Cut:
    """``staged`` is the folder of the version with boxes. ``margin`` is a fraction of each box's side,
    added all around; boxes with a side under ``least_side`` pixels are left out.
    """

    staged: Path
    how: str
    margin: float = 0.0
    least_side: int = 1

    @classmethod
    def from_spec(cls, staged: str | None, params: dict[str, Any] | None) -> Cut | None:
        if staged is None:
            return None
        return cls(Path(staged), params["how"], float(params["margin"]), int(params["least_side"]))


def archive_of(cut: Cut, target: Path, limits: Limits, findings: Findings) -> Path:
    """Write the archive to ``target`` and return it. Raises InputError if it would be empty."""
    lines: dict[str, list[str]] = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for count, (name, content, class_id, split) in enumerate(_pictures(cut, findings), start=1):
            if count > limits.max_files:
                raise InputError(
                    msg("There are more than {most} boxes: ask for larger ones only.", most=limits.max_files)
                )
            archive.writestr(f"images/{name}", content)
            lines.setdefault(split, []).append(f"images/{name} {class_id}\n")
        for split in SPLITS:
            if split in lines:
                archive.writestr(f"{split}.txt", "".join(lines[split]))
        archive.write(cut.staged / LABELS, LABELS)
    if not lines:
        raise InputError(msg("No box is left to make a dataset of: ask for smaller ones as well."))
    return target


def _pictures(cut: Cut, findings: Findings) -> Iterator[tuple[str, bytes, int, str]]:
    """Name, content, class and split of each image."""
    one = _crops if cut.how == CROPS else _whole
    with (cut.staged / INDEX).open(encoding="utf-8") as records:
        for line in records:
            yield from one(cut, json.loads(line), findings)


def _crops(cut: Cut, record: dict[str, Any], findings: Findings) -> Iterator[tuple[str, bytes, int, str]]:
    boxes = [box for box in record["boxes"] if min(box[3], box[4]) >= cut.least_side]
    for _ in range(len(record["boxes"]) - len(boxes)):
        message = msg_n(
            "{count} box is under {least} pixels wide or high and was left out.",
            "{count} boxes are under {least} pixels wide or high and were left out.",
            0,
            least=cut.least_side,
        )
        findings.add("info", "small-boxes-left-out", message, record["original"])
    if not boxes:
        return
    path = cut.staged / record["name"]
    stem, suffix = path.stem, ".jpg" if path.suffix == ".jpg" else ".png"
    with Image.open(path) as image:
        image.load()
        for number, (class_id, *place) in enumerate(boxes, start=1):
            made = io.BytesIO()
            image.crop(_with_margin(place, cut.margin, image.size)).save(
                made, "JPEG" if suffix == ".jpg" else "PNG", quality=QUALITY
            )
            yield f"{stem}-{number:04d}{suffix}", made.getvalue(), int(class_id), record["split"]


def _with_margin(place: list[float], margin: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom in whole pixels inside the image, at least one pixel wide and high."""
    left, top, width, height = place
    right, bottom = left + width * (1 + margin), top + height * (1 + margin)
    left, top = max(0, int(left - width * margin)), max(0, int(top - height * margin))
    right, bottom = min(size[0], round(right)), min(size[1], round(bottom))
    left, top = min(left, size[0] - 1), min(top, size[1] - 1)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _whole(cut: Cut, record: dict[str, Any], findings: Findings) -> Iterator[tuple[str, bytes, int, str]]:
    found = {int(box[0]) for box in record["boxes"] if min(box[3], box[4]) >= cut.least_side}
    if len(found) == 1:
        path = cut.staged / record["name"]
        yield path.name, path.read_bytes(), found.pop(), record["split"]
        return
    message = msg_n(
        "{count} image has boxes of several classes, or none, and was left out.",
        "{count} images have boxes of several classes, or none, and were left out.",
    )
    findings.add("info", "unclear-images-left-out", message, record["original"])
