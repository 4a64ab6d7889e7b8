"""The index of a dataset version: one SQLite file with everything about its images except their pixels.

A version never changes, so its index is a file in storage beside the packs with the pixels, fetched once into
each host's cache; the portal's database stays small however many images and versions there are. A *pack* is a
file of concatenated image contents; several versions may refer to one pack. No Django here: the ingest and
revise programs write indexes, the portal reads them.
"""

from __future__ import annotations

import dataclasses
import json
import operator
import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workers.contract.messages import loaded, stored
from workers.contract.splits import SPLITS, TEST, TRAIN, VAL

from . import tasks
from .flatboxes import hash_text, rows
from .proposed import Proposed, proposed_rows

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE images (
  id INTEGER PRIMARY KEY, original TEXT NOT NULL, sha256 TEXT NOT NULL,
  pack TEXT NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL,
  thumb_start INTEGER, thumb_size INTEGER,
  suffix TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
  class_id INTEGER, split TEXT NOT NULL, note TEXT,
  brightness REAL, contrast REAL, sharpness REAL, dhash INTEGER, gray BLOB
);
CREATE TABLE boxes (image INTEGER NOT NULL, class_id INTEGER NOT NULL,
  x REAL NOT NULL, y REAL NOT NULL, width REAL NOT NULL, height REAL NOT NULL);
CREATE TABLE proposed (image INTEGER PRIMARY KEY, model INTEGER NOT NULL, name TEXT NOT NULL, boxes TEXT);
CREATE TABLE marks (code TEXT NOT NULL, image INTEGER NOT NULL, text TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (code, image)) WITHOUT ROWID;
"""
# Created after the rows: faster than updating them row by row.
_INDEXES = """
CREATE INDEX images_class ON images (class_id, split);
CREATE INDEX images_split ON images (split);
CREATE INDEX images_content ON images (sha256, class_id, split);
CREATE INDEX boxes_image ON boxes (image);
CREATE INDEX boxes_class ON boxes (class_id, image);
CREATE INDEX marks_image ON marks (image);
"""


@dataclasses.dataclass(slots=True)
class ImageRow:
    """One image of a version.

    ``id`` counts from 1 in the version's own order; ``name`` derives from it. ``sha256`` is that of the
    normalised content, which is ``size`` bytes from ``start`` in the pack called ``pack``; its thumbnail is
    in the same pack, or is the image itself if ``thumb_size`` is None. ``class_id`` is None in a detection
    dataset, where ``boxes`` is set (flat, five numbers per box: class id, left, top, width, height in
    pixels), and for an image without a class so far. ``brightness`` and ``contrast`` are mean and standard
    deviation of the gray values (0 to 255), ``sharpness`` the variance of their Laplacian, ``dhash`` a 64-bit
    difference hash (signed, as SQLite stores it), ``gray`` 16 × 16 gray values. ``marks`` are the codes of
    the findings about this image, each with a text for the image alone (may be empty). ``proposed`` is what a
    model proposed for it, if a person made its labels of that.
    """

    original: str
    sha256: str
    pack: str
    start: int
    size: int
    suffix: str
    width: int
    height: int
    split: str
    class_id: int | None = None
    boxes: array[float] | None = None
    note: str | None = None
    thumb_start: int | None = None
    thumb_size: int | None = None
    brightness: float | None = None
    contrast: float | None = None
    sharpness: float | None = None
    dhash: int | None = None
    gray: bytes | None = None
    marks: dict[str, str] = dataclasses.field(default_factory=dict)
    proposed: Proposed | None = None
    id: int = 0

    @property
    def name(self) -> str:
        """The file name in the staged folder, under ``images/``."""
        return f"{self.id:06d}{self.suffix}"

    @property
    def is_unlabelled(self) -> bool:
        """Whether it waits for a class; an image without boxes in a detection dataset is background."""
        return self.class_id is None and self.boxes is None

    def box_rows(self) -> list[list[float]]:
        """The boxes as ``[class id, left, top, width, height]``."""
        return rows(self.boxes) if self.boxes is not None else []


_COLUMNS = (
    "id", "original", "sha256", "pack", "start", "size", "thumb_start", "thumb_size", "suffix", "width",
    "height", "class_id", "split", "note", "brightness", "contrast", "sharpness", "dhash", "gray",
)  # fmt: skip


def write_index(target: Path, class_names: list[str], task: str, images: Sequence[ImageRow]) -> None:
    """Write the index of a version to ``target``, which must not exist; ids follow the order of
    ``images``, from 1. They are iterated several times: a generator is a TypeError.
    """
    if not isinstance(images, Sequence):
        raise TypeError("the images of an index must be a sequence")
    database = sqlite3.connect(target, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode=OFF")
        database.execute("PRAGMA synchronous=OFF")
        database.executescript(_SCHEMA)
        database.execute("BEGIN")
        meta = {"schema": SCHEMA_VERSION, "task": task, "class_names": class_names}
        pairs = [(key, json.dumps(value, ensure_ascii=False)) for key, value in meta.items()]
        database.executemany("INSERT INTO meta VALUES (?, ?)", pairs)
        database.executemany(_INSERT, _numbered(images))
        database.executemany("INSERT INTO boxes VALUES (?, ?, ?, ?, ?, ?)", _all_boxes(images))
        database.executemany("INSERT INTO proposed VALUES (?, ?, ?, ?)", proposed_rows(images))
        database.executemany("INSERT INTO marks VALUES (?, ?, ?)", _all_marks(images))
        database.execute("COMMIT")
        database.executescript(_INDEXES)
        database.execute("ANALYZE")
    finally:
        database.close()


_INSERT = f"INSERT INTO images VALUES ({', '.join('?' * len(_COLUMNS))})"


_values = operator.attrgetter(*_COLUMNS)
_NOTE = _COLUMNS.index("note")


def _numbered(images: Sequence[ImageRow]) -> Iterator[tuple[Any, ...]]:
    for number, image in enumerate(images, start=1):
        image.id = number
        values = _values(image)
        yield values if image.note is None else (*values[:_NOTE], stored(image.note), *values[_NOTE + 1 :])


def _all_boxes(images: Sequence[ImageRow]) -> Iterator[tuple[float, ...]]:
    return ((image.id, *box) for image in images if image.boxes for box in rows(image.boxes))


def _all_marks(images: Sequence[ImageRow]) -> Iterator[tuple[str, int, str]]:
    return ((code, image.id, stored(text)) for image in images for code, text in image.marks.items())


@dataclasses.dataclass(frozen=True, slots=True)
class Filter:
    """Selects images; None does not filter. ``class_id`` in a detection dataset: has such a box.

    ``mark`` is a finding's code; ``ids`` are images by number; ``text`` is part of the original path;
    ``unlabelled`` keeps those with neither a class nor a box.
    """

    class_id: int | None = None
    split: str | None = None
    mark: str | None = None
    text: str = ""
    ids: tuple[int, ...] | None = None
    unlabelled: bool = False


class Index:
    """Reads a version's index. Use as a context manager; many may open it at once."""

    def __init__(self, path: Path):
        self._database = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
        self._database.row_factory = sqlite3.Row
        meta = {row[0]: json.loads(row[1]) for row in self._database.execute("SELECT key, value FROM meta")}
        self.class_names: list[str] = meta["class_names"]
        self.task: str = meta["task"]
        tables = self._database.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'proposed'")
        self._knows_proposed = bool(tables.fetchone()[0])  # earlier indexes do not

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    @property
    def has_boxes(self) -> bool:
        return tasks.get(self.task).has_boxes

    def count(self, wanted: Filter | None = None) -> int:
        where, values = self._where(wanted or Filter())
        return self._database.execute(f"SELECT COUNT(*) FROM images{where}", values).fetchone()[0]

    def page(self, wanted: Filter | None = None, after: int = 0, limit: int = 60) -> list[ImageRow]:
        """Up to ``limit`` images whose id is above ``after``, by id, with boxes and marks."""
        where, values = self._where(wanted or Filter(), "id > ?", [after])
        order = f"{where} ORDER BY id LIMIT ?"
        found = self._database.execute(f"SELECT * FROM images{order}", [*values, limit])
        return [self._with_details(row) for row in found]

    def samples(self, class_id: int, limit: int) -> list[ImageRow]:
        """A few images of a class (with a box of it). Its cost does not depend on their number."""
        if self.has_boxes:
            some = "id IN (SELECT DISTINCT image FROM boxes WHERE class_id = ? LIMIT ?) ORDER BY id"
        else:
            some = "class_id = ? ORDER BY split, id LIMIT ?"  # the order of an index: nothing is sorted
        found = self._database.execute(f"SELECT * FROM images WHERE {some}", [class_id, limit])
        return [self._with_details(row) for row in found]

    def page_before(self, number: int, wanted: Filter | None = None, limit: int = 60) -> int:
        """The ``after`` of the page that ends before the image ``number``; 0 for the first."""
        where, values = self._where(wanted or Filter(), "id < ?", [number])
        query = f"SELECT id FROM images{where} ORDER BY id DESC LIMIT 1 OFFSET ?"
        found = self._database.execute(query, [*values, limit]).fetchone()
        return found[0] if found else 0

    def count_to(self, number: int, wanted: Filter | None = None) -> int:
        """How many matching images have an id up to ``number``."""
        where, values = self._where(wanted or Filter(), "id <= ?", [number])
        return self._database.execute(f"SELECT COUNT(*) FROM images{where}", values).fetchone()[0]

    def page_of(self, number: int, wanted: Filter | None = None, limit: int = 60) -> int:
        """The ``after`` of the page with the image ``number``."""
        before = (max(1, self.count_to(number, wanted)) - 1) // limit * limit
        if not before:
            return 0
        where, values = self._where(wanted or Filter())
        query = f"SELECT id FROM images{where} ORDER BY id LIMIT 1 OFFSET ?"
        found = self._database.execute(query, [*values, before - 1]).fetchone()
        return found[0] if found else 0

    def image(self, number: int) -> ImageRow | None:
        """The image with the id ``number``; None if there is none."""
        found = self._database.execute("SELECT * FROM images WHERE id = ?", [number]).fetchone()
        return self._with_details(found) if found else None

    def with_content(self, sha256: str) -> ImageRow | None:
        """An image whose normalised content has this hash, without boxes and marks, or None."""
        found = self._database.execute("SELECT * FROM images WHERE sha256 = ? LIMIT 1", [sha256]).fetchone()
        return self._row(found, [], [], None) if found else None

    def neighbours(self, number: int, wanted: Filter | None = None) -> tuple[int | None, int | None]:
        """The ids before and after ``number`` among the matching images."""
        answers = []
        for compare, pick in (("id < ?", "MAX(id)"), ("id > ?", "MIN(id)")):
            where, values = self._where(wanted or Filter(), compare, [number])
            answers.append(self._database.execute(f"SELECT {pick} FROM images{where}", values).fetchone()[0])
        return answers[0], answers[1]

    def all(self) -> Iterator[ImageRow]:
        """Every image by id, with boxes and marks; memory does not grow with their number."""
        boxes = _Grouped(self._database.execute("SELECT * FROM boxes ORDER BY image, rowid"), "image")
        marks = _Grouped(
            self._database.execute("SELECT image, code, text FROM marks ORDER BY image"), "image"
        )
        proposed = self._all_proposed()
        for row in self._database.execute("SELECT * FROM images ORDER BY id"):
            yield self._row(row, boxes.of(row["id"]), marks.of(row["id"]), proposed.get(row["id"]))

    def by_place(self) -> Iterator[ImageRow]:
        """Every image in the order of the packs, with boxes and without marks."""
        for row in self._database.execute("SELECT * FROM images ORDER BY pack, start"):
            yield self._row(row, self._boxes(row["id"]) if self.has_boxes else [], [], None)

    def labels(self) -> Iterator[tuple[int, str, str, str]]:
        """Every image as (id, sha256, label, split), by sha256; the label is the class name, or the boxes
        as a text that does not depend on class ids.
        """
        order = "sha256, class_id, split, id"  # that of an index which covers the query
        rows = self._database.execute(f"SELECT id, sha256, class_id, split FROM images ORDER BY {order}")
        for number, sha256, class_id, split in rows:
            if self.has_boxes:
                flat = array("d", [value for box in self._boxes(number) for value in tuple(box)[1:]])
                yield number, sha256, hash_text(flat, self.class_names), split
            else:
                yield number, sha256, "" if class_id is None else self.class_names[class_id], split

    def grays(self, split: str) -> list[bytes]:
        """The gray values of a split's images, ordered by id; images without any are omitted."""
        query = "SELECT gray FROM images WHERE split = ? AND gray IS NOT NULL ORDER BY id"
        return [row[0] for row in self._database.execute(query, [split])]

    def marks(self) -> dict[str, int]:
        """The number of images with the code of each finding."""
        return dict(self._database.execute("SELECT code, COUNT(*) FROM marks GROUP BY code").fetchall())

    def splits(self) -> tuple[str, ...]:
        """The splits of the version: always train and val, test if it has images for it."""
        return SPLITS if self.count(Filter(split=TEST)) else (TRAIN, VAL)

    def packs(self) -> list[str]:
        """The names of the packs with the version's images."""
        return [row[0] for row in self._database.execute("SELECT DISTINCT pack FROM images ORDER BY pack")]

    def _with_details(self, row: sqlite3.Row) -> ImageRow:
        number = [row["id"]]
        marks = self._database.execute("SELECT code, text FROM marks WHERE image = ?", number).fetchall()
        return self._row(row, self._boxes(row["id"]), marks, self._proposed_for(row["id"]))

    def _all_proposed(self) -> dict[int, sqlite3.Row]:
        if not self._knows_proposed:
            return {}
        return {row["image"]: row for row in self._database.execute("SELECT * FROM proposed")}

    def _proposed_for(self, number: int) -> sqlite3.Row | None:
        if not self._knows_proposed:
            return None
        return self._database.execute("SELECT * FROM proposed WHERE image = ?", [number]).fetchone()

    def _boxes(self, number: int) -> list[sqlite3.Row]:
        rows = self._database.execute("SELECT * FROM boxes WHERE image = ? ORDER BY rowid", [number])
        return rows.fetchall()

    def _row(
        self, row: sqlite3.Row, boxes: list[Any], marks: list[Any], proposed: sqlite3.Row | None
    ) -> ImageRow:
        flat = None
        if self.has_boxes:
            flat = array("d", [value for box in boxes for value in tuple(box)[1:]])
        columns = {column: row[column] for column in _COLUMNS}
        return ImageRow(
            **{**columns, "note": row["note"] and loaded(row["note"])},
            boxes=flat,
            marks={mark["code"]: loaded(mark["text"]) for mark in marks},
            proposed=Proposed.from_row(proposed),
        )

    def ids(self, wanted: Filter) -> list[int]:
        """The ids of the matching images, in order."""
        where, values = self._where(wanted)
        return [
            row["id"] for row in self._database.execute(f"SELECT id FROM images{where} ORDER BY id", values)
        ]

    def _where(
        self, wanted: Filter, also: str = "", also_values: list[Any] | None = None
    ) -> tuple[str, list[Any]]:
        parts, values = [], []
        if wanted.class_id is not None and self.has_boxes:
            parts.append("id IN (SELECT image FROM boxes WHERE class_id = ?)")
            values.append(wanted.class_id)
        elif wanted.class_id is not None:
            parts.append("class_id = ?")
            values.append(wanted.class_id)
        if wanted.split is not None:
            parts.append("split = ?")
            values.append(wanted.split)
        if wanted.mark is not None:
            parts.append("id IN (SELECT image FROM marks WHERE code = ?)")
            values.append(wanted.mark)
        if wanted.unlabelled:
            parts.append("class_id IS NULL AND NOT EXISTS (SELECT 1 FROM boxes WHERE image = images.id)")
        if wanted.text:
            parts.append("instr(lower(original), lower(?)) > 0")
            values.append(wanted.text)
        if wanted.ids is not None:
            parts.append(f"id IN ({', '.join('?' * len(wanted.ids))})")
            values += wanted.ids
        if also:
            parts.append(also)
            values += also_values or []
        return (" WHERE " + " AND ".join(parts) if parts else ""), values


class _Grouped:
    """Groups the rows of a cursor that is sorted by a column, in ascending order."""

    def __init__(self, cursor: sqlite3.Cursor, column: str):
        self._cursor, self._column = cursor, column
        self._next = cursor.fetchone()

    def of(self, value: int) -> list[sqlite3.Row]:
        found = []
        while self._next is not None and self._next[self._column] <= value:
            if self._next[self._column] == value:
                found.append(self._next)
            self._next = self._cursor.fetchone()
        return found
