"""Small disks of a bench's own, and how they are filled to the last byte."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

BLOCKS = (64 * 1024**2, 1024**2, 4096)


def fill(path: Path, seconds: float) -> int:
    """Take all room of a disk for so long, also what others give back meanwhile; return the bytes taken.

    ``path`` is a file that is made for it and removed again.
    """
    taken, end = 0, time.monotonic() + seconds
    try:
        with path.open("wb") as file:
            while time.monotonic() < end:
                got = _take(file.fileno(), taken)
                taken += got
                time.sleep(0 if got else 0.02)
    finally:
        path.unlink(missing_ok=True)
    return taken


def _take(file: int, offset: int) -> int:
    """Take the largest block that there is room for; 0 if there is none."""
    for size in BLOCKS:
        with contextlib.suppress(OSError):
            os.posix_fallocate(file, offset, size)
            return size
    return 0


@contextlib.contextmanager
def small_disks(folder: Path, megabytes: Mapping[str, int]) -> Iterator[dict[str, Path]]:
    """File systems of so many megabytes, by name, mounted below ``folder``. Needs root and loop devices."""
    places: dict[str, Path] = {}
    try:
        for name, size in megabytes.items():
            image, place = folder / f"{name}.img", folder / name
            with image.open("wb") as file:
                file.truncate(size * 1024**2)
            place.mkdir()
            # No blocks kept back for root, no journal of which only the bench would have a use.
            subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", str(image)], check=True)
            subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=True)
            places[name] = place
            (place / "lost+found").rmdir()
        yield places
    finally:
        for place in places.values():
            subprocess.run(["umount", "--lazy", str(place)], check=False)
