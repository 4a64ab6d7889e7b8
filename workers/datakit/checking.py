"""Reads, decodes, measures and packs every image of an upload, on all cores and in constant memory.

Each process reads the archive's entries itself and appends to a pack of its own; only entry numbers and facts
are exchanged. If a process dies on an image (decoder crash or memory limit), that costs the image, not the
upload.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

from workers.contract.messages import msg

from .archive import Entry, Source
from .errors import ImageError
from .images import Normalised, exif_orientation, normalise, thumbnail
from .index import ImageRow, Index
from .measures import Measures, measure
from .packs import PackWriter

CHUNK = 32
CHUNKS_AHEAD = 4  # per process
MAX_PROCESSES = 16
# Below this, a second process costs more to start than it saves.
IMAGES_PER_PROCESS = 400
BYTES_PER_PROCESS = 8 * 1024 * 1024
# An image that is smaller than both is its own thumbnail.
THUMB_OVER_PIXELS = 256
THUMB_OVER_BYTES = 32 * 1024


class Place(NamedTuple):
    """Where an image and its thumbnail are in a pack."""

    pack: str
    start: int
    thumb_start: int | None = None
    thumb_size: int | None = None


class Checked(NamedTuple):
    """Facts about one image file. Its normal form is packed unless ``error`` says why not.

    ``orientation`` is the file's EXIF orientation; width and height are those of the upright image.
    """

    sha256: str = ""
    suffix: str = ""
    width: int = 0
    height: int = 0
    size: int = 0
    place: Place = Place("", 0)
    measures: Measures | None = None
    note: str | None = None
    dark: bool = False
    error: str | None = None
    orientation: int = 1


CRASHED = Checked(error=msg("crashes the image decoder or needs too much memory"))


@dataclasses.dataclass(frozen=True, slots=True)
class Task:
    """The settings of every process: where to read from, where to pack, and the indexes whose images are
    already packed.
    """

    source: Source
    packs: Path
    key: str
    known: tuple[Path, ...]
    max_pixels: int


class Checker:
    """Checks entries, in one process."""

    def __init__(self, task: Task, number: int):
        self._task = task
        self._pack = PackWriter(task.packs / f"{task.key}-{number}.pack")
        self._known = [Index(path) for path in task.known]

    def check(self, entries: list[Entry]) -> list[Checked]:
        checked = [self._check(entry) for entry in entries]
        self._pack.flush()  # results must survive this process
        return checked

    def close(self) -> None:
        self._pack.close()
        for index in self._known:
            index.close()

    def _check(self, entry: Entry) -> Checked:
        content = self._task.source.read(entry)
        digest = hashlib.sha256(content).hexdigest()
        known = self._find(digest)
        if known is not None:  # its packed form was normal, so this one is
            return _as_known(known)
        try:
            image = normalise(content, self._task.max_pixels)
        except ImageError as error:
            return Checked(error=str(error))
        if image.note is None:
            return self._packed(digest, image)
        orientation = exif_orientation(content)
        digest = hashlib.sha256(image.content).hexdigest()
        known = self._find(digest)
        checked = _as_known(known) if known is not None else self._packed(digest, image)
        return checked._replace(note=image.note, dark=image.dark, orientation=orientation)

    def _find(self, digest: str) -> ImageRow | None:
        found = (index.with_content(digest) for index in self._known)
        return next((row for row in found if row is not None and row.brightness is not None), None)

    def _packed(self, digest: str, image: Normalised) -> Checked:
        start = self._pack.append(image.content)
        place = Place(self._pack.name, start)
        if max(image.width, image.height) > THUMB_OVER_PIXELS or len(image.content) > THUMB_OVER_BYTES:
            thumb = thumbnail(image.small)
            place = place._replace(thumb_start=self._pack.append(thumb), thumb_size=len(thumb))
        return Checked(
            digest, image.suffix, image.width, image.height, len(image.content), place, measure(image.small)
        )


def _as_known(row: ImageRow) -> Checked:
    place = Place(row.pack, row.start, row.thumb_start, row.thumb_size)
    measures = Measures(row.brightness, row.contrast, row.sharpness, row.dhash, row.gray)
    return Checked(row.sha256, row.suffix, row.width, row.height, row.size, place, measures)


_checker: Checker | None = None


def _start(task: Task, numbers) -> None:
    global _checker
    with numbers.get_lock():
        numbers.value += 1
        number = numbers.value
    _checker = Checker(task, number)


def _check(entries: list[Entry]) -> list[Checked]:
    return _checker.check(entries)


def processes_for(images: int, total_bytes: int) -> int:
    """Return how many processes are worth starting: at most one per core available to this job."""
    cores = min(len(os.sched_getaffinity(0)), MAX_PROCESSES)
    worth = max(images // IMAGES_PER_PROCESS, total_bytes // BYTES_PER_PROCESS, 1)
    return min(cores, worth)


class ImagePool:
    """A pool of checking processes, started once; with one process, the work is done in this one."""

    def __init__(self, task: Task, processes: int):
        self._task, self._processes = task, processes
        self._context = multiprocessing.get_context("spawn")
        self._numbers = self._context.Value("i", 0)
        self._executor = self._start(processes) if processes > 1 else None

    def __enter__(self) -> ImagePool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor:
            self._executor.shutdown(cancel_futures=True)

    def _start(self, processes: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            processes, mp_context=self._context, initializer=_start, initargs=(self._task, self._numbers)
        )

    def check(self, entries: Iterable[Entry]) -> Iterator[Checked]:
        """Yield the facts of the entries' images in order.

        Raises InputError if the archive is damaged.
        """
        if self._executor is None:
            yield from self._here(entries)
            return
        waiting: deque[tuple[list[Entry], Future | None]] = deque()
        for chunk in _chunks(entries):
            waiting.append((chunk, self._submitted(chunk)))
            if len(waiting) >= CHUNKS_AHEAD * self._processes:
                yield from self._results(*waiting.popleft())
        while waiting:
            yield from self._results(*waiting.popleft())

    def _here(self, entries: Iterable[Entry]) -> Iterator[Checked]:
        checker = Checker(self._task, 0)
        try:
            for chunk in _chunks(entries):
                yield from checker.check(chunk)
        finally:
            checker.close()

    def _submitted(self, chunk: list[Entry]) -> Future:
        try:
            return self._executor.submit(_check, chunk)
        except BrokenProcessPool:
            self._executor.shutdown()
            self._executor = self._start(self._processes)
            return self._executor.submit(_check, chunk)

    def _results(self, chunk: list[Entry], future: Future) -> Iterable[Checked]:
        try:
            return future.result()
        except BrokenProcessPool:
            return self._one_by_one(chunk)

    def _one_by_one(self, entries: list[Entry]) -> Iterator[Checked]:
        """Check each entry in a process that may crash on it."""
        executor = self._start(1)
        for entry in entries:
            try:
                yield executor.submit(_check, [entry]).result()[0]
            except BrokenProcessPool:
                yield CRASHED
                executor.shutdown()
                executor = self._start(1)
        executor.shutdown()


def _chunks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    remaining = iter(entries)
    while chunk := list(itertools.islice(remaining, CHUNK)):
        yield chunk
