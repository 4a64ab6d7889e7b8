"""Decoding every image of an upload, on all cores and in constant memory.

Only paths travel to the processes and only facts travel back. A process that dies over an image (the
decoder crashed, or the memory limit struck) costs that image, not the upload.
"""

from __future__ import annotations

import dataclasses
import hashlib
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from .errors import ImageError
from .images import exif_orientation, normalise, thumbnail

CHUNK = 32
MAX_PROCESSES = 16
# Below this a second process costs more to start than it saves.
IMAGES_PER_PROCESS = 400
BYTES_PER_PROCESS = 8 * 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """Facts about one image file, which is in normal form now unless ``error`` says why it is not.

    ``orientation`` is the EXIF one that the file came with; width and height are of the upright image.
    """

    sha256: str = ""
    suffix: str = ""
    width: int = 0
    height: int = 0
    bytes: int = 0
    note: str | None = None
    dark: bool = False
    error: str | None = None
    orientation: int = 1


CRASHED = Checked(error="crashes the image decoder or needs too much memory")


def check_file(path: Path, max_pixels: int) -> Checked:
    """Bring the image at ``path`` into normal form, in place, and return its facts."""
    try:
        content = path.read_bytes()
        image = normalise(content, max_pixels)
    except ImageError as error:
        return Checked(error=str(error))
    orientation = 1
    if image.note is not None:
        orientation = exif_orientation(content)
        path.write_bytes(image.content)
    return Checked(
        sha256=hashlib.sha256(image.content).hexdigest(),
        suffix=image.suffix,
        width=image.width,
        height=image.height,
        bytes=len(image.content),
        note=image.note,
        dark=image.dark,
        orientation=orientation,
    )


def _check_chunk(paths: list[Path], max_pixels: int) -> list[Checked]:
    return [check_file(path, max_pixels) for path in paths]


def make_thumbnail(source: Path, target_stem: Path) -> str:
    """Write a thumbnail of ``source`` and return the file name it got."""
    content, suffix = thumbnail(source.read_bytes())
    target = target_stem.with_name(target_stem.name + suffix)
    target.write_bytes(content)
    return target.name


def processes_for(images: int, total_bytes: int) -> int:
    """Return how many processes are worth starting: at most one a core that this job may use."""
    cores = min(len(os.sched_getaffinity(0)), MAX_PROCESSES)
    worth = max(images // IMAGES_PER_PROCESS, total_bytes // BYTES_PER_PROCESS, 1)
    return min(cores, worth)


class ImagePool:
    """A pool of decoding processes, started once; with one process the work is done in this one."""

    def __init__(self, processes: int):
        self._processes = processes
        self._executor = self._start(processes) if processes > 1 else None

    def __enter__(self) -> ImagePool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor:
            self._executor.shutdown(cancel_futures=True)

    @staticmethod
    def _start(processes: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))

    def check(self, paths: list[Path], max_pixels: int, advance: Callable[[int], None]) -> list[Checked]:
        """Return the facts of the files in their order; ``advance`` is told how many are done."""
        done: list[Checked] = []
        while len(done) < len(paths):
            try:
                for facts in self._chunks(paths[len(done) :], max_pixels):
                    done += facts
                    advance(len(done))
            except BrokenProcessPool:
                suspects = paths[len(done) : len(done) + CHUNK]
                done += self._one_by_one(suspects, max_pixels)
                self._executor = self._start(self._processes)
        return done

    def _chunks(self, paths: list[Path], max_pixels: int) -> Iterator[list[Checked]]:
        chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
        run = self._executor.map if self._executor else map
        yield from run(_check_chunk, chunks, [max_pixels] * len(chunks))

    def _one_by_one(self, paths: list[Path], max_pixels: int) -> Iterator[Checked]:
        """Check each file in a process that may die of it."""
        executor = self._start(1)
        for path in paths:
            try:
                yield executor.submit(check_file, path, max_pixels).result()
            except BrokenProcessPool:
                yield CRASHED
                executor = self._start(1)
        executor.shutdown()

    def thumbnails(self, sources: list[Path], target_stems: list[Path]) -> list[str]:
        """Write a thumbnail for each source and return their file names."""
        if self._executor:
            return list(self._executor.map(make_thumbnail, sources, target_stems, chunksize=CHUNK))
        return list(map(make_thumbnail, sources, target_stems))
