"""Caches decoded images for the epochs after the first: a photograph takes longer to decode than to read.

The cache is a folder of the job, shared by all of a training's loaders, and the system's page cache keeps as
many files in memory as fit. An image that is not cached costs only time.
"""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy

LEAST_BYTES = 16 * 2**10  # of an encoded image: smaller ones decode as fast as they are read
SHARE = 4  # a quarter of the free memory and disk
COLOR = 1  # OpenCV's constant


@contextlib.contextmanager
def decoded_kept() -> Iterator[None]:
    """Inside this context, OpenCV decodes each image only once, in this process and its forks."""
    import cv2

    own = cv2.imdecode
    folder = Path(tempfile.mkdtemp(prefix="decoded-"))
    cv2.imdecode = Decoded(own, folder, min(free_memory(), shutil.disk_usage(folder).free) // SHARE)
    try:
        yield
    finally:
        cv2.imdecode = own
        shutil.rmtree(folder, ignore_errors=True)


class Decoded:
    """Replaces ``decode``, OpenCV's function; keeps at most ``room`` bytes of pixels in ``folder``."""

    def __init__(self, decode: Callable[..., Any], folder: Path, room: int):
        self.decode, self.folder = decode, folder
        self.room = multiprocessing.get_context("fork").Value("q", room)

    def __call__(self, data: Any, flags: int = COLOR) -> Any:
        if flags != COLOR or len(data) < LEAST_BYTES:
            return self.decode(data, flags)
        path = self.folder / f"{hashlib.blake2b(data, digest_size=16).hexdigest()}.npy"
        with contextlib.suppress(OSError, ValueError):
            return numpy.load(path)
        pixels = self.decode(data, flags)
        if pixels is not None and self._take(pixels.nbytes):
            self._keep(path, pixels)
        return pixels

    def _take(self, size: int) -> bool:
        with self.room:
            self.room.value -= size if (fits := size <= self.room.value) else 0
        return fits

    def _keep(self, path: Path, pixels: Any) -> None:
        temporary = path.with_suffix(f".{os.getpid()}")
        try:
            with temporary.open("wb") as file:
                numpy.save(file, pixels)
            temporary.rename(path)
        except OSError:  # a full disk is no reason to stop
            self.room.value = 0
            temporary.unlink(missing_ok=True)


def free_memory() -> int:
    """Return the memory available to programs without swapping, in bytes; 0 if unknown."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 2**10
    return 0
