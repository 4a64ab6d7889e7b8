"""Edge Impulse's export: info.labels has the class of each file, bounding_boxes.labels its boxes.

Both are JSON. Boxes are in pixels, from the top left corner.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.findings import Findings

from .annotated import BOXES, LABELS, AnnotatedImages, Files
from .boxed import Box, number, report_missing
from .listing import MAX_LIST_BYTES, Listing
from .noticed import shape_without_label
from .reading import Reading
from .splits import split_of_path
from .texts import folder_of, parse_json
from .upload import Upload

LAYOUT, KEY = "Edge Impulse", "edgeimpulse"
INFO, BOUNDING_BOXES = "info.labels", "bounding_boxes.labels"


def edge_impulse_files(upload: Upload) -> list[Entry]:
    """Return the label files; one that is above others repeats their content."""
    wanted = (INFO, BOUNDING_BOXES)
    found = [entry for entry in upload.files if entry.path.rpartition("/")[2].lower() in wanted]
    return sorted(found, key=lambda entry: names.natural_key(entry.path))


def looks_like_edge_impulse(upload: Upload) -> str | None:
    return next((entry.path for entry in edge_impulse_files(upload)), None)


def read_edge_impulse(upload: Upload, reading: Reading, wanted: str | None = None) -> Listing:
    images = AnnotatedImages(reading)
    seen: set[tuple[str, str]] = set()

    def read(file: Entry) -> None:
        content = parse_json(upload.read(file, MAX_LIST_BYTES), file)
        for path, row in _rows(content):
            _take(path, row, file, upload, images, reading, seen)

    Files(reading, edge_impulse_files(upload)).each(read)
    return images.listing(upload, LAYOUT, KEY, wanted=wanted)


def read_edge_impulse_boxes(upload: Upload, reading: Reading) -> Listing:
    return read_edge_impulse(upload, reading, BOXES)


def read_edge_impulse_labels(upload: Upload, reading: Reading) -> Listing:
    return read_edge_impulse(upload, reading, LABELS)


def _rows(content: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield pairs of a path and its annotation, from either kind of file."""
    if not isinstance(content, dict):
        return
    files, boxes = content.get("files"), content.get("boundingBoxes")
    for row in files if isinstance(files, list) else ():
        if isinstance(row, dict) and isinstance(row.get("path"), str):
            yield row["path"], row
    for path, listed in boxes.items() if isinstance(boxes, dict) else ():
        yield path, {"boundingBoxes": listed}


def _take(
    path: str,
    row: dict[str, Any],
    file: Entry,
    upload: Upload,
    images: AnnotatedImages,
    reading: Reading,
    seen: set[tuple[str, str]],
) -> None:
    split = split_of_path(str(row.get("category") or "")) or split_of_path(folder_of(file.path))
    entry = upload.finder.find_anywhere(path, folder_of(file.path), split)
    if entry is None:
        if names.is_image(path):
            report_missing(reading.findings, path)
        return
    kind = LABELS if "label" in row else BOXES
    boxes = list(_boxes(row.get("boundingBoxes"), images.of_boxes, entry))
    if (entry.path, kind) in seen or (kind == BOXES and not boxes):
        return
    seen.add((entry.path, kind))
    images.add(entry, split or split_of_path(entry.path), _labels(row.get("label")), boxes)


def _labels(label: Any) -> list[str]:
    """Return a file's label or labels, or that it is unlabelled."""
    if not isinstance(label, dict) or label.get("type") != "label":
        return []
    return [str(label["label"])] if label.get("label") else []


def _boxes(listed: Any, findings: Findings, entry: Entry) -> Iterator[Box]:
    for row in listed if isinstance(listed, list) else ():
        label = str(row.get("label") or "").strip() if isinstance(row, dict) else ""
        if not label:
            shape_without_label(findings, names.show(entry.path))
            continue
        yield (label, *(number(row.get(key)) for key in ("x", "y", "width", "height")))
