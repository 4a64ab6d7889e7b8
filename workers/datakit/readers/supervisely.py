"""Supervisely's projects: folders ``img`` and ``ann`` in each dataset, and the classes in ``meta.json``.

A tag of an image is its class: the tag's value, or the tag's name if it has none. The tags train, val and
test give the split.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workers.contract.splits import SPLITS
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.findings import Findings

from .annotated import BOXES, LABELS, MAX_LOOKED_AT, AnnotatedImages, Files, head_of
from .boxed import Box, around, report_missing, size_of
from .listing import MAX_LIST_BYTES, Listing
from .noticed import outline_boxed, shape_left_out, shape_without_label
from .reading import Reading
from .splits import split_of_path
from .texts import folder_of, parse_json
from .upload import Upload

LAYOUT, KEY = "Supervisely", "supervisely"
META = "meta.json"
_MARKS = (b'"objects"', b'"tags"', b'"size"')


def supervisely_files(upload: Upload) -> list[Entry]:
    """Return the files in the folders ``ann``, if the first of them have the right format."""
    listed = upload.by_suffix(".json")
    found = [entry for entry in listed if folder_of(entry.path).rpartition("/")[2] == "ann"]
    heads = (head_of(upload, entry) for entry in found[:MAX_LOOKED_AT])
    return found if any(all(mark in head for mark in _MARKS) for head in heads) else []


def looks_like_supervisely(upload: Upload) -> str | None:
    return next((entry.path for entry in supervisely_files(upload)), None)


def read_supervisely(upload: Upload, reading: Reading, wanted: str | None = None) -> Listing:
    images = AnnotatedImages(reading)

    def read(file: Entry) -> None:
        content = parse_json(upload.read(file, MAX_LIST_BYTES), file)
        if isinstance(content, dict):
            _take(content, file, upload, images, reading.findings)

    Files(reading, supervisely_files(upload)).each(read)
    return images.listing(upload, LAYOUT, KEY, _class_order(upload), wanted)


def read_supervisely_boxes(upload: Upload, reading: Reading) -> Listing:
    return read_supervisely(upload, reading, BOXES)


def read_supervisely_labels(upload: Upload, reading: Reading) -> Listing:
    return read_supervisely(upload, reading, LABELS)


def _take(
    content: dict[str, Any], file: Entry, upload: Upload, images: AnnotatedImages, findings: Findings
) -> None:
    folder, name = folder_of(file.path), file.path.rpartition("/")[2].removesuffix(".json")
    near = f"{folder_of(folder)}/img".lstrip("/")
    entry = upload.finder.find_upwards(name, near) or upload.finder.named(name, near)
    if entry is None:
        report_missing(findings, name)
        return
    tags = list(_tags(content.get("tags")))
    split = next((tag for tag in tags if tag in SPLITS), None) or split_of_path(folder)
    labels = [tag for tag in tags if tag not in SPLITS]
    size = content.get("size")
    declared = size_of(size.get("width"), size.get("height")) if isinstance(size, dict) else None
    boxes = list(_boxes(content.get("objects"), images.of_boxes, names.show(file.path)))
    images.add(entry, split, labels, boxes, declared)


def _tags(listed: Any) -> Iterator[str]:
    for tag in listed if isinstance(listed, list) else ():
        if isinstance(tag, dict):
            value = tag.get("value") or tag.get("name")
            yield value.strip() if isinstance(value, str) else ""  # a number is not a class


def _boxes(listed: Any, findings: Findings, shown: str) -> Iterator[Box]:
    for row in listed if isinstance(listed, list) else ():
        label = str(row.get("classTitle") or "").strip() if isinstance(row, dict) else ""
        if not label:
            shape_without_label(findings, shown)
            continue
        kind, points = row.get("geometryType"), row.get("points")
        outline = points.get("exterior") if isinstance(points, dict) else None
        if kind not in ("rectangle", "polygon") or not isinstance(outline, list):
            shape_left_out(findings, f"{shown}: {names.show(str(kind))}")
            continue
        if kind == "polygon":
            outline_boxed(findings, f"{shown}: {kind}")
        yield (label, *around(outline))


def _class_order(upload: Upload) -> list[str]:
    """Return the classes in the order of ``meta.json``."""
    found = [entry for entry in upload.by_suffix(".json") if entry.path.rpartition("/")[2] == META]
    content = parse_json(upload.read(found[0], MAX_LIST_BYTES), found[0]) if found else None
    rows = content.get("classes") if isinstance(content, dict) else None
    titles = (row.get("title") for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()
    return [title for title in titles if isinstance(title, str) and title.strip()]
