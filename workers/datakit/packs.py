"""Packs: files of concatenated image contents, each followed by its thumbnail if it has one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from .index import ImageRow

# Up to this fraction of a pack may be unused bytes before it is rewritten without them.
MAX_WASTE = 0.01
BUFFER_BYTES = 1024 * 1024


class PackWriter:
    """Appends to the pack at ``path``, which is created with the first content."""

    def __init__(self, path: Path):
        self.path = path
        self._file: BinaryIO | None = None
        self._end = 0

    @property
    def name(self) -> str:
        return self.path.name

    def append(self, content: bytes) -> int:
        """Append ``content`` and return where it starts."""
        if self._file is None:
            self._file = self.path.open("ab", buffering=BUFFER_BYTES)
            self._end = self._file.tell()
        start = self._end
        self._file.write(content)
        self._end += len(content)
        return start

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def share_duplicates(rows: Iterable[ImageRow]) -> None:
    """Let rows with equal content refer to one place: the first one's."""
    places: dict[str, ImageRow] = {}
    for row in rows:
        first = places.setdefault(row.sha256, row)
        if first is not row:
            row.pack, row.start = first.pack, first.start
            row.thumb_start, row.thumb_size = first.thumb_start, first.thumb_size


def tidied(folder: Path, rows: Iterable[ImageRow]) -> list[dict[str, Any]]:
    """Rewrite the packs in ``folder`` with too many unused bytes, and return the packs.

    Bytes become unused if an image exists twice, or a process died. A pack is ``{"name", "images",
    "bytes"}``; one that no row uses is removed.
    """
    by_pack: dict[str, dict[int, list[ImageRow]]] = {path.name: {} for path in sorted(folder.glob("*.pack"))}
    for row in rows:
        if row.pack in by_pack:
            by_pack[row.pack].setdefault(row.start, []).append(row)
    packs = []
    for name, places in by_pack.items():
        path = folder / name
        used = sum(rows[0].size + (rows[0].thumb_size or 0) for rows in places.values())
        if not places:
            path.unlink()
            continue
        if used < path.stat().st_size * (1 - MAX_WASTE):
            _rewrite(path, places)
        packs.append({"name": name, "images": len(places), "bytes": path.stat().st_size})
    return packs


def _rewrite(path: Path, places: dict[int, list[ImageRow]]) -> None:
    temporary = path.with_suffix(".tmp")
    with path.open("rb") as old, temporary.open("wb", buffering=BUFFER_BYTES) as new:
        for start in sorted(places):
            moved = new.tell() - start
            old.seek(start)
            first = places[start][0]
            new.write(old.read(first.size))
            if first.thumb_size is not None:
                old.seek(first.thumb_start)
                thumb_moved = new.tell() - first.thumb_start
                new.write(old.read(first.thumb_size))
            for row in places[start]:
                row.start += moved
                if row.thumb_start is not None:
                    row.thumb_start += thumb_moved
    os.replace(temporary, path)
