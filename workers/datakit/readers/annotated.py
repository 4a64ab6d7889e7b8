"""Shared by readers of annotation tools: an export has labels of whole images, or boxes, or both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from workers.contract.messages import msg, msg_n
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .boxed import Box, BoxedImages
from .jsonstream import Elements, Members
from .labelled import LabelledImages
from .listing import Listing
from .noticed import bad_json
from .reading import Reading
from .texts import not_json
from .upload import Upload

BOXES, LABELS = "boxes", "labels"
# The largest exports have a few hundred megabytes; they are read piece by piece.
MAX_EXPORT_BYTES = 512 * 1024 * 1024
MAX_LOOKED_AT = 40
# This much of a file is read to detect its format.
HEAD_BYTES = 1024 * 1024


class AnnotatedImages:
    """Collects images with their labels and boxes; which of the two to use is decided at the end."""

    def __init__(self, reading: Reading):
        self._reading = reading
        self._noted = {BOXES: Findings(), LABELS: Findings()}
        self._boxed = BoxedImages(self._noted[BOXES])
        self._labelled = LabelledImages(self._noted[LABELS])
        self._seen: dict[str, str] = {}  # path of an image: its label
        self._unlabelled: set[str] = set()

    @property
    def of_boxes(self) -> Findings:
        """Findings about boxes, which count only if boxes are used."""
        return self._noted[BOXES]

    @property
    def have_boxes(self) -> bool:
        return bool(self._boxed.used)

    @property
    def have_any(self) -> bool:
        return bool(self._seen or self._boxed.used)

    def add(
        self,
        entry: Entry,
        split: str | None,
        labels: Sequence[str] = (),
        boxes: Iterable[Box] = (),
        declared: tuple[int, int] | None = None,
    ) -> None:
        """Add an image. A repeated equal label counts once."""
        self._boxed.add(entry, split, boxes, declared)
        labels = list(dict.fromkeys(label for label in labels if label.strip()))
        if len(labels) > 1:
            message = msg_n(
                "{count} image has more than one class and was left out.",
                "{count} images have more than one class and were left out.",
            )
            shown = f"{names.show(entry.path)}: {', '.join(map(names.show, labels))}"
            self._noted[LABELS].add("warn", "two-labels", message, shown)
        elif not labels:
            self._unlabelled.add(entry.path)
        elif self._seen.get(entry.path) != labels[0]:
            self._seen[entry.path] = labels[0]
            self._labelled.add(entry, labels[0], split)

    def listing(
        self,
        upload: Upload,
        name: str,
        key: str,
        order: Sequence[str] = (),
        wanted: str | None = None,
        fractions: bool = False,
        upright: bool = False,
    ) -> Listing:
        """Return the collected labels or boxes: ``wanted``, or whichever there is.

        An export with both is in doubt, and read as boxes. Raises InputError if there is nothing.
        """
        kind = wanted or (LABELS if self._seen and not self._boxed.used else BOXES)
        if wanted is None and self._seen and self._boxed.used:
            self._reading.doubt(
                msg(
                    "The {format} export holds boxes and classes of whole images: choose the format "
                    "{key}-boxes or {key}-labels.",
                    format=name,
                    key=key,
                )
            )
        if kind == LABELS:
            self._reading.unlabelled |= self._unlabelled - self._seen.keys()
            listing = self._labelled.listing(upload, name, order)
        else:
            listing = self._boxed.listing(upload, name, order, fractions, upright)
        self._reading.findings.merge(self._noted[kind])
        return listing


def head_of(upload: Upload, entry: Entry) -> bytes:
    """Return the beginning of a file, enough to detect a format; empty if the file is too large to read."""
    if entry.size > MAX_EXPORT_BYTES:
        return b""
    parts, gained = [], 0
    for block in upload.blocks(entry, MAX_EXPORT_BYTES):
        parts.append(block)
        gained += len(block)
        if gained >= HEAD_BYTES:
            break
    return b"".join(parts)[:HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()


def json_exports(upload: Upload, tells: Callable[[bytes], bool], *suffixes: str) -> list[Entry]:
    """Return the files whose beginning ``tells`` recognizes as the format, checking the largest first."""
    found = sorted(upload.by_suffix(*(suffixes or (".json",))), key=lambda entry: (-entry.size, entry.path))
    chosen = [entry for entry in found[:MAX_LOOKED_AT] if tells(head_of(upload, entry))]
    return sorted(chosen, key=lambda entry: names.natural_key(entry.path))


def elements(upload: Upload, entry: Entry) -> Elements:
    encoding = upload.encoding(entry, MAX_EXPORT_BYTES)
    return Elements(upload.blocks(entry, MAX_EXPORT_BYTES), encoding)


def members(upload: Upload, entry: Entry) -> Members:
    encoding = upload.encoding(entry, MAX_EXPORT_BYTES)
    return Members(upload.blocks(entry, MAX_EXPORT_BYTES), encoding)


class Files:
    """Iterates over the files of an export; an unreadable one is noted and skipped."""

    def __init__(self, reading: Reading, files: Sequence[Entry]):
        self._reading, self._files = reading, files

    def each(self, read: Callable[[Entry], None]) -> None:
        """Call ``read`` for each file. Raises InputError if it fails for every one."""
        failed: list[InputError] = []
        for entry in self._files:
            self._reading.files.add(entry.path)
            try:
                read(entry)
            except (InputError, ValueError, RecursionError) as error:
                refusal = error if isinstance(error, InputError) else not_json(entry, error)
                self._reading.cannot_read(entry.path, str(refusal))
                bad_json(self._reading.findings, names.show(str(refusal)))
                failed.append(refusal)
        if failed and len(failed) == len(self._files):
            raise failed[0]


def refuse_unread(reading: Reading, kind: str) -> None:
    """Raise InputError with the first reason, if there are annotation files and none could be read."""
    if reading.unread.count:
        raise InputError(
            msg_n(
                "The {kind} file of annotations cannot be read ({first}): export it again.",
                "None of the {count} {kind} files of annotations can be read ({first}): export them again.",
                reading.unread.count,
                kind=kind,
                first=reading.unread.examples[0],
            )
        )
