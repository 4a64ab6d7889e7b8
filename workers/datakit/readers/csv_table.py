"""Tables with one row per image: its path or name and its class, in one column or in one column per class."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import defaultdict

from workers.contract.messages import join, msg, msg_n
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError

from .addresses import path_of
from .boxed import report_missing
from .boxtables import box_columns
from .labelled import LabelledImages
from .listing import Listing
from .noticed import bad_row
from .reading import BY_COLUMN, BY_FILE_NAMES, Counted, Reading
from .sagemaker import is_manifest
from .splits import SPLIT_WORDS, split_of_path
from .table_columns import SAMPLE_ROWS, Columns, columns_of, image_of, is_true
from .tables import rows_of
from .upload import Upload
from .wording import MAX_NAMED, both

LAYOUT = "CSV"
MAX_LOOKED_AT = 20
_SUFFIXES = (".csv", ".tsv", ".jsonl")
_GUESSES = re.compile(r"submi|predict|pred[._]|result|output|answer|inference")


@dataclasses.dataclass(slots=True)
class Table:
    """A table of images: its columns, or why it has no class."""

    entry: Entry
    columns: Columns | None = None
    problem: str | None = None

    @property
    def guesses(self) -> bool:
        """Whether these are predictions, by the table's name or its titles."""
        name = self.entry.path.rpartition("/")[2].lower()
        return bool(_GUESSES.search(name)) or (self.columns is not None and self.columns.guesses)


def csv_tables(upload: Upload) -> list[Entry]:
    """Return the tables of the upload's images."""
    return [table.entry for table in upload.once(_tables)]


def _tables(upload: Upload) -> list[Table]:
    found = sorted(upload.by_suffix(*_SUFFIXES), key=lambda entry: names.natural_key(entry.path))
    wanted = upload.options.tables
    tables = []
    for entry in found[:MAX_LOOKED_AT] if not wanted else [entry for entry in found if entry.path in wanted]:
        table = _sampled(entry, upload)
        if table is not None:
            tables.append(table)
    return tables


def _sampled(entry: Entry, upload: Upload) -> Table | None:
    try:
        rows = list(itertools.islice(rows_of(upload, entry), SAMPLE_ROWS))
        if not rows or box_columns(rows[0]) is not None or is_manifest(rows[0]):
            return None
        columns = columns_of(rows, entry, upload.finder, upload.options)
    except InputError as error:
        return Table(entry, problem=str(error))
    return Table(entry, columns) if columns is not None else None


def read_csv(upload: Upload, reading: Reading) -> Listing:
    truths = _truths(upload.once(_tables), upload, reading)
    images = _Images(reading)
    for table in truths:
        reading.files.add(table.entry.path)
        try:
            images.read(table, upload)
        except InputError as error:
            reading.cannot_read(table.entry.path, str(error))
            if len(truths) == 1:
                raise
    _note(truths, reading)
    images.report_doubts(truths, upload)
    if not upload.options.tables:
        _doubt_tables_of_tests(truths, images, reading)
    return images.listing(upload, truths)


def _truths(tables: list[Table], upload: Upload, reading: Reading) -> list[Table]:
    """Return the tables whose labels count; the others are noted.

    Raises InputError if there is none, with the reason of the first.
    """
    usable = [table for table in tables if table.columns is not None]
    truths = usable if upload.options.tables else [table for table in usable if not table.guesses]
    # A table that describes each class once, with an image of it.
    truths = [t for t in truths if t.columns.repeats or split_of_path(t.entry.path)] or truths
    for table in tables:
        if table not in truths:
            message = msg_n(
                "{count} table was left out: it holds predictions, or no column of classes.",
                "{count} tables were left out: they hold predictions, or no column of classes.",
            )
            example = join([names.show(table.entry.path), table.problem or ""], ": ")
            reading.left_out("tables-left-out", message, example)
    if truths:
        return truths
    problem = next((table.problem for table in tables if table.problem), None)
    if problem is not None:
        raise InputError(problem)
    if not tables:
        raise InputError(msg("The upload holds no table that names its images."))
    raise InputError(
        msg(
            "{file} looks like the predictions of a model or a sample submission, not like labels: choose "
            "the table (tables) if its labels are right.",
            file=names.show(tables[0].entry.path),
        )
    )


def _doubt_tables_of_tests(truths: list[Table], images: _Images, reading: Reading) -> None:
    """Ask if one of several tables has only test images and a name that suggests a submission."""
    for table in truths:
        sides = images.sides[table.entry.path]
        if len(truths) > 1 and sides == {"test"} and split_of_path(table.entry.path) is None:
            reading.doubt(
                msg(
                    "{file} names images of the test folder alone: leave it out (tables) if its labels are "
                    "guesses.",
                    file=names.show(table.entry.path),
                )
            )


def _note(truths: list[Table], reading: Reading) -> None:
    """Record in ``used`` the options that give the same result again."""
    columns = truths[0].columns
    reading.used["tables"] = [table.entry.path for table in truths][:MAX_LOOKED_AT]
    reading.used["image_column"] = columns.title(columns.image)
    reading.columns = columns.titles or []
    if columns.label is not None:
        reading.used["label_column"] = columns.title(columns.label)
    else:
        reading.used["one_hot"] = [columns.title(at) for at in columns.one_hot][:200]
    if columns.split is not None:
        reading.used["split_column"] = columns.title(columns.split)
    reading.split_origin = BY_COLUMN if columns.split is not None else BY_FILE_NAMES
    for table in truths:
        if table.columns.doubt:
            reading.doubt(table.columns.doubt)


def _differing(path: str, one: str, two: str) -> str:
    first, second = names.show(one), names.show(two)
    return msg("{path}: {first} or {second}", path=names.show(path), first=first, second=second)


class _Images:
    """Collects the labels of several tables and notices contradictions."""

    def __init__(self, reading: Reading):
        self._reading, self._findings = reading, reading.findings
        self._images = LabelledImages(reading.findings)
        self._said: dict[str, tuple[str, str]] = {}  # image path: class and table
        self._disagree = Counted()
        self._ambiguous = Counted()
        self._disagreeing: dict[str, None] = {}  # paths of tables
        self.sides: dict[str, set[str | None]] = defaultdict(set)  # of each table's images, by their folders

    def read(self, table: Table, upload: Upload) -> None:
        columns, rows = table.columns, rows_of(upload, table.entry)
        if columns.titles is not None:
            next(rows, None)
        missing = Counted()
        for row in rows:
            written = row[columns.image] if len(row) > columns.image else ""
            if written and upload.finder.misses(written):
                missing.add(written)
            else:
                self._take(row, written, table, upload)
        report_missing(self._findings, *missing.examples, count=missing.count)

    def _take(self, row: list[str], written: str, table: Table, upload: Upload) -> None:
        columns = table.columns
        label = self._label(row, columns, table)
        if not written or label is None:
            shown = names.show(f"{table.entry.path}: {', '.join(row)}")
            bad_row(self._findings, shown)
            return
        split = self._split(row, columns, table)
        entry = image_of(written, table.entry, upload.finder, split)
        if entry is None:
            report_missing(self._findings, written)
            if upload.finder.has_several(path_of(written)):
                self._ambiguous.add(names.show(written))
            return
        self._compare(entry, label, table.entry.path)
        self._images.add(entry, label, split)

    def _compare(self, entry: Entry, label: str, table: str) -> None:
        """Note contradictions with an earlier table about this image, and the split folder of the image."""
        known, other = self._said.get(entry.path, (label, ""))
        if other == table:
            return
        if not other:
            self._said[entry.path] = (label, table)
        elif known != label:
            self._disagree.add(_differing(entry.path, known, label))
            self._disagreeing |= dict.fromkeys((other, table))
        self.sides[table].add(split_of_path(entry.path.rpartition("/")[0]))

    def _label(self, row: list[str], columns: Columns, table: Table) -> str | None:
        if columns.label is not None:
            return (row[columns.label] or None) if len(row) > columns.label else None
        marked = [at for at in columns.one_hot if len(row) > at and is_true(row[at])]
        if len(marked) > 1:
            message = msg_n(
                "{count} row gives an image several classes and was left out.",
                "{count} rows give an image several classes and were left out.",
            )
            self._findings.add("warn", "several-labels", message, names.show(f"{table.entry.path}: {row[0]}"))
        return columns.title(marked[0]) if len(marked) == 1 else None

    @staticmethod
    def _split(row: list[str], columns: Columns, table: Table) -> str | None:
        if columns.split is None or len(row) <= columns.split:
            return split_of_path(table.entry.path)
        value = row[columns.split].lower()
        if columns.is_split is not None:
            return columns.is_split if is_true(value) else "train"
        return SPLIT_WORDS.get(value)

    def report_doubts(self, truths: list[Table], upload: Upload) -> None:
        if self._ambiguous.count:
            self._reading.doubt(
                msg_n(
                    "{file} names {count} image by a name that stands in several folders, as {example}: "
                    "write the folder before each name, or leave a folder out (ignore).",
                    "{file} names {count} images by a name that stands in several folders, as {example}: "
                    "write the folder before each name, or leave a folder out (ignore).",
                    self._ambiguous.count,
                    file=names.show(truths[0].entry.path),
                    example=self._ambiguous.examples[0],
                )
            )
        if self._disagree.count and not upload.options.tables:
            self._reading.doubt(
                msg_n(
                    "The tables {tables} label {count} image differently ({examples}): choose one (tables).",
                    "The tables {tables} label {count} images differently ({examples}): choose one (tables).",
                    self._disagree.count,
                    tables=both([names.show(table) for table in list(self._disagreeing)[:MAX_NAMED]]),
                    examples=join(self._disagree.examples, "; "),
                )
            )

    def listing(self, upload: Upload, truths: list[Table]) -> Listing:
        if not self._said:
            raise InputError(
                msg(
                    "None of the images that {file} labels is in the upload: pack the images together with "
                    "it.",
                    file=names.show(truths[0].entry.path),
                )
            )
        return self._images.listing(upload, LAYOUT)
