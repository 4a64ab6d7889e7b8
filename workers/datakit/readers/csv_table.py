"""A CSV table with a path and a label in each row."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
from collections.abc import Iterator

from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .boxed import report_missing
from .finder import ImageFinder
from .labelled import LabelledImages
from .listing import Listing
from .reading import Reading
from .splits import SPLIT_WORDS, split_of_path
from .texts import by_suffix, folder_of, read_text
from .upload import Upload

LAYOUT = "CSV"
MAX_LOOKED_AT = 20
_PATHS = ("path", "filepath", "file_path", "image_path", "imagepath", "filename", "file_name", "file",
          "image", "image_name", "img", "name", "id", "image_id", "路径", "文件名", "图片")  # fmt: skip
_LABELS = ("label", "class", "class_name", "classname", "category", "target", "y", "labels", "标签", "类别")
_SPLITS = ("split", "set", "subset", "partition", "data set")
_BOXES = {"xmin", "ymin", "xmax", "ymax"}


@dataclasses.dataclass(frozen=True, slots=True)
class _Columns:
    path: int
    label: int
    split: int | None
    header: bool


def csv_tables(upload: Upload) -> list[Entry]:
    """Return the tables that have a column of images and one of labels."""
    found = sorted(by_suffix(upload, ".csv", ".tsv"), key=lambda entry: entry.path)[:MAX_LOOKED_AT]
    finder = upload.finder
    return [entry for entry in found if _names_images(upload, entry, finder)]


def _names_images(upload: Upload, table: Entry, finder: ImageFinder) -> bool:
    """Say whether one of the first rows names an image; tables of other things have like titles."""
    columns = _columns(_rows(upload, table))
    if columns is None:
        return False
    for row in itertools.islice(_after_header(_rows(upload, table), columns), MAX_LOOKED_AT):
        written = row[columns.path].strip() if len(row) > columns.path else ""
        if names.is_image(written) or finder.named(written, folder_of(table.path)) is not None:
            return True
    return False


def read_csv(upload: Upload, reading: Reading) -> Listing:
    findings = reading.findings
    images = LabelledImages(findings)
    finder = upload.finder
    for table in csv_tables(upload):
        columns = _columns(_rows(upload, table))
        for row in _after_header(_rows(upload, table), columns):
            _take(row, table, columns, finder, images, findings)
    return images.listing(upload, LAYOUT)


def _take(
    row: list[str],
    table: Entry,
    columns: _Columns,
    finder: ImageFinder,
    images: LabelledImages,
    findings: Findings,
) -> None:
    if len(row) <= max(columns.path, columns.label) or not row[columns.label].strip():
        message = "{count} rows have no path or no label and were left out."
        findings.add("warn", "bad-lines", message, names.show(f"{table.path}: {', '.join(row)}"))
        return
    written, near = row[columns.path].strip(), folder_of(table.path)
    split = split_of_path(table.path)
    if columns.split is not None and len(row) > columns.split:
        split = SPLIT_WORDS.get(row[columns.split].strip().lower())
    entry = finder.find_anywhere(written, near, split) or finder.named(written, near, split)
    if entry is None:
        report_missing(findings, written)
        return
    images.add(entry, row[columns.label], split)


def _rows(upload: Upload, table: Entry) -> Iterator[list[str]]:
    """Yield the rows that are not empty, split at what the first line is split at."""
    text = read_text(upload, table)
    first = text.lstrip().split("\n", 1)[0]
    delimiter = max("\t;,", key=first.count)
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if any(field.strip() for field in row):
                yield row
    except csv.Error as error:
        raise InputError(
            f"{names.show(table.path)} is no table that can be read ({error}): save it as CSV again."
        ) from error


def _after_header(rows: Iterator[list[str]], columns: _Columns) -> Iterator[list[str]]:
    if columns.header:
        next(rows)
    return rows


def _columns(rows: Iterator[list[str]]) -> _Columns | None:
    """Tell by the names in the first row, or by an image's path and another field in it."""
    first = next(rows, None)
    if first is None:
        return None
    titles = [field.strip().lower() for field in first]
    if _BOXES <= set(titles):
        return None  # a table of boxes, see boxtables.py
    path, label, split = (_column(titles, known) for known in (_PATHS, _LABELS, _SPLITS))
    if path is not None and label is not None:
        return _Columns(path, label, split, header=True)
    if len(first) != 2:
        return None
    is_path = [names.is_image(field.strip()) for field in first]
    if any(is_path):
        return _Columns(is_path.index(True), is_path.index(False), None, header=False)
    second = next(rows, None)
    if second is not None and len(second) == 2 and names.is_image(second[0].strip()):
        return _Columns(0, 1, None, header=True)
    return None


def _column(titles: list[str], known: tuple[str, ...]) -> int | None:
    for name in known:
        if name in titles:
            return titles.index(name)
    return None
