"""Finding the image that an annotation means, however its path was written."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from workers.datakit import names
from workers.datakit.archive import Entry

from .folder_names import is_masks, is_visualization
from .splits import split_of_path
from .texts import folder_of, stem


class ImageFinder:
    """Looks files up by path, by the end of a path, and images by their name alone."""

    def __init__(self, entries: list[Entry]):
        self._exact = {entry.path: entry for entry in entries}
        self._folded: dict[str, Entry | None] = {}
        self._by_name: dict[str, list[Entry]] = {}
        self._by_stem: dict[str, list[Entry]] = {}
        for path, entry in self._exact.items():
            folded = path.casefold()
            self._folded[folded] = None if folded in self._folded else entry
            if names.is_image(path):
                self._by_name.setdefault(folded.rpartition("/")[2], []).append(entry)
                self._by_stem.setdefault(stem(folded), []).append(entry)

    def find(self, written: str, near: str) -> Entry | None:
        """Return the file for ``written``, a path as seen from the folder ``near``.

        Lists made on Windows say ``..\\images\\1.jpg``; those made for a notebook service name absolute
        paths there. Leading folders are dropped one by one until a file of the upload is met.
        """
        parts = _parts(written)
        for start in range(len(parts)):
            entry = self._at((near + "/" if near else "") + "/".join(parts[start:]))
            if entry is not None:
                return entry
        return None

    def find_anywhere(self, written: str, near: str, split: str | None = None) -> Entry | None:
        """Like ``find``, but also from each folder above ``near``, and last by the image's name alone.

        A name that several images have is settled by the longest common end of the paths, then by ``split``:
        the one below a folder of that split. Masks and pictures of annotations come last.
        """
        entry = self.find_upwards(written, near)
        if entry is not None:
            return entry
        parts = [part.casefold() for part in _parts(written)]
        return _only(_alike(self._by_name.get(parts[-1], []), parts), split) if parts else None

    def find_upwards(self, written: str, near: str) -> Entry | None:
        """Like ``find``, but also from each folder above ``near``, and images alone."""
        for folder in _upwards(near):
            entry = self.find(written, folder)
            if entry is not None and names.is_image(entry.path):
                return entry
        return None

    def named(self, wanted: str, near: str, split: str | None = None) -> Entry | None:
        """Return the image whose name without its suffix is ``wanted``, first beside ``near``."""
        found = self._by_stem.get(wanted.casefold(), [])
        beside = [entry for entry in found if folder_of(entry.path) == near]
        return _only(beside or found, split)

    def _at(self, path: str) -> Entry | None:
        return self._exact.get(path) or self._folded.get(path.casefold())


def _parts(written: str) -> list[str]:
    path = names.normal_separators(written)
    return [part for part in path.split("/") if part not in ("", ".", "..")]


def _upwards(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder_of(folder)
    yield ""


def _alike(found: list[Entry], parts: list[str]) -> list[Entry]:
    """Return those of the images whose paths have the longest common end with ``parts``."""
    if len(found) < 2:
        return found
    ends = [_common_end(entry.path.casefold().split("/"), parts) for entry in found]
    return [entry for entry, end in zip(found, ends, strict=True) if end == max(ends)]


def _common_end(one: list[str], two: list[str]) -> int:
    pairs = zip(reversed(one), reversed(two), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _only(found: list[Entry], split: str | None) -> Entry | None:
    if len(found) > 1:
        found = [entry for entry in found if not _is_rendering(entry)] or found
    if len(found) > 1 and split is not None:
        found = [entry for entry in found if split_of_path(entry.path) == split]
    return found[0] if len(found) == 1 else None


def _is_rendering(entry: Entry) -> bool:
    """Say whether the image lies in a folder of masks or of pictures that show annotations."""
    return any(is_masks(part) or is_visualization(part) for part in folder_of(entry.path).split("/"))
