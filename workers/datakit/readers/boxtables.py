"""Tables of boxes, one row per box, as in OpenImages, TensorFlow's examples, VoTT and RetinaNet.

OpenImages gives positions as fractions of the image and classes as codes, which another table names. The
others give corners in pixels.
"""

from __future__ import annotations

import csv
import dataclasses
import math
from array import array
from collections.abc import Iterator, Sequence

from workers.contract.messages import msg
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.findings import Findings

from .annotated import Files, head_of
from .boxed import Box, BoxedImages, number, report_missing, size_of
from .listing import Listing
from .noticed import bad_row
from .reading import Reading
from .splits import split_of_path
from .tables import delimiter_of, rows_of
from .texts import folder_of
from .upload import Upload

LAYOUT, OPEN_IMAGES = msg("table of boxes"), "OpenImages"
MAX_LOOKED_AT = 40
MAX_LINE = 100_000
_IMAGES = (
    "imageid",
    "filename",
    "image",
    "image_id",
    "file_name",
    "path",
    "image_path",
    "img",
    "file",
    "name",
)
_LABELS = ("labelname", "class", "label", "class_name", "category", "label_name", "object")
_CORNERS = (("xmin", "ymin", "xmax", "ymax"), ("x_min", "y_min", "x_max", "y_max"), ("x1", "y1", "x2", "y2"))
_DESCRIPTIONS = "class-descriptions"


@dataclasses.dataclass(frozen=True, slots=True)
class Columns:
    """The positions of columns. ``corners`` are left, top, right, bottom."""

    image: int
    label: int
    corners: tuple[int, int, int, int]
    size: tuple[int, int] | None
    titles: bool
    parts: bool  # fractions of the image's width and height, not pixels


def box_tables(upload: Upload) -> list[tuple[Entry, Columns]]:
    """Return the tables whose first row has titles of corners, or an image, four numbers and a class."""
    found = sorted(upload.by_suffix(".csv", ".tsv"), key=lambda entry: names.natural_key(entry.path))
    tables = []
    for entry in found[:MAX_LOOKED_AT]:
        columns = box_columns(_first_row(upload, entry))
        if columns is not None:
            tables.append((entry, columns))
    return tables


def _first_row(upload: Upload, entry: Entry) -> list[str]:
    head = head_of(upload, entry)
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    line = head.decode(encoding, "replace").split("\n", 1)[0][:MAX_LINE]
    try:
        return next(csv.reader([line], delimiter=delimiter_of(line)), [])
    except csv.Error:
        return []


def looks_like_open_images(upload: Upload) -> str | None:
    return next((entry.path for entry, columns in box_tables(upload) if columns.parts), None)


def looks_like_box_table(upload: Upload) -> str | None:
    return next((entry.path for entry, columns in box_tables(upload) if not columns.parts), None)


def read_open_images(upload: Upload, reading: Reading) -> Listing:
    return _read(upload, reading, OPEN_IMAGES, parts=True)


def read_box_table(upload: Upload, reading: Reading) -> Listing:
    return _read(upload, reading, LAYOUT, parts=False)


def _read(upload: Upload, reading: Reading, layout: str, parts: bool) -> Listing:
    images = BoxedImages(reading.findings)
    tables = {entry.path: columns for entry, columns in box_tables(upload) if columns.parts == parts}
    class_names = _descriptions(upload, reading) if parts else {}

    def read(file: Entry) -> None:
        _read_table(upload, file, tables[file.path], class_names, images, reading.findings)

    Files(reading, [entry for entry in upload.files if entry.path in tables]).each(read)
    return images.listing(upload, layout, fractions=parts)


class _Gathered:
    """The boxes of each image in a table, in little memory: rows of one image may be anywhere."""

    def __init__(self) -> None:
        self._labels: dict[str, int] = {}
        self._boxes: dict[str, array[float]] = {}
        self._sizes: dict[str, tuple[int, int] | None] = {}

    def add(self, row: Sequence[str], columns: Columns) -> None:
        image = row[columns.image].strip()
        if image not in self._boxes:
            self._boxes[image], self._sizes[image] = array("d"), _declared(row, columns)
        label = self._labels.setdefault(row[columns.label].strip(), len(self._labels))
        left, top, right, bottom = (number(row[at]) for at in columns.corners)
        self._boxes[image].extend((label, left, top, right - left, bottom - top))

    def each(
        self, class_names: dict[str, str]
    ) -> Iterator[tuple[str, Iterator[Box], tuple[int, int] | None]]:
        """Yield each image's name as written in the table, its boxes and its size."""
        labels = [class_names.get(label, label) for label in self._labels]
        for image, flat in self._boxes.items():
            starts = range(0, len(flat), 5)
            boxes = ((labels[int(flat[at])], *flat[at + 1 : at + 5]) for at in starts)
            yield image, boxes, self._sizes[image]


def _read_table(
    upload: Upload,
    file: Entry,
    columns: Columns,
    class_names: dict[str, str],
    images: BoxedImages,
    findings: Findings,
) -> None:
    split, near, finder = split_of_path(file.path), folder_of(file.path), upload.finder
    gathered = _Gathered()
    rows = rows_of(upload, file)
    if columns.titles:
        next(rows, None)
    for row in rows:
        if len(row) <= max(columns.image, columns.label, *columns.corners) or not row[columns.label].strip():
            bad_row(findings, names.show(f"{file.path}: {', '.join(row)}"))
            continue
        gathered.add(row, columns)
    for written, boxes, declared in gathered.each(class_names):
        entry = finder.find_anywhere(written, near, split) or finder.named(written, near, split)
        if entry is None:
            report_missing(findings, written)
        else:
            images.add(entry, split or split_of_path(entry.path), boxes, declared)


def _declared(row: Sequence[str], columns: Columns) -> tuple[int, int] | None:
    if columns.size is None or len(row) <= max(columns.size):
        return None
    return size_of(row[columns.size[0]], row[columns.size[1]])


def _descriptions(upload: Upload, reading: Reading) -> dict[str, str]:
    """Return {class code: name} of OpenImages' class-descriptions.csv."""
    found: dict[str, str] = {}
    for entry in upload.by_suffix(".csv"):
        if _DESCRIPTIONS in entry.path.rpartition("/")[2].lower():
            reading.files.add(entry.path)
            rows = (row for row in rows_of(upload, entry) if len(row) == 2)
            found |= {row[0].strip(): row[1].strip() for row in rows}
    return found


def box_columns(first: Sequence[str]) -> Columns | None:
    """Detect the columns from the first row; None if it is not a table of boxes."""
    titles = [field.strip().lower() for field in first]
    corners = next((found for found in _CORNERS if set(found) <= set(titles)), None)
    if corners is None:
        return _untitled(first)
    image, label = _first_of(_IMAGES, titles), _first_of(_LABELS, titles)
    if image is None or label is None:
        return None
    size = (titles.index("width"), titles.index("height")) if {"width", "height"} <= set(titles) else None
    parts = {"imageid", "labelname"} <= set(titles)
    return Columns(image, label, tuple(titles.index(name) for name in corners), size, True, parts)


def _first_of(known: Sequence[str], titles: Sequence[str]) -> int | None:
    return next((titles.index(name) for name in known if name in titles), None)


def _untitled(first: Sequence[str]) -> Columns | None:
    """RetinaNet's table has no titles: path, left, top, right, bottom, class."""
    if len(first) != 6 or not names.is_image(first[0].strip()) or not first[5].strip():
        return None
    if any(math.isnan(number(field)) for field in first[1:5]):
        return None
    return Columns(0, 5, (1, 2, 3, 4), None, False, False)
