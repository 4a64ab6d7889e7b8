"""Finds the image that an annotation refers to, however its path is written."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from workers.datakit import names
from workers.datakit.archive import Entry

from .folder_names import is_masks, is_visualization
from .splits import split_of_path
from .texts import folder_of, stem

# For a longer path, or a deeper file, only the last components are tried.
MAX_PARTS = 40
FEW = 3
# An empty name, or one that may be more than a name: a Windows path, a part of a URL.
_ODD_NAME = re.compile(r"^\.{0,2}$|[\\%?#]|[^\x00-\x7f]")


class ImageFinder:
    """Looks images up by path, by the end of a path, or by name alone."""

    def __init__(self, images: list[Entry]):
        self._exact = {entry.path: entry for entry in images}
        self._folded: dict[str, Entry | None] = {}
        self._by_name: dict[str, list[Entry]] = {}
        self._by_stem: dict[str, list[Entry]] = {}
        for path, entry in self._exact.items():
            folded = path.casefold()
            self._folded[folded] = None if folded in self._folded else entry
            self._by_name.setdefault(folded.rpartition("/")[2], []).append(entry)
            self._by_stem.setdefault(stem(folded), []).append(entry)

    def misses(self, written: str) -> bool:
        """Whether certainly no image has this plain path or name; cheap, and False is no promise."""
        name = written.rpartition("/")[2].casefold()
        return not (name in self._by_name or name in self._by_stem or _ODD_NAME.search(name))

    def has_several(self, written: str) -> bool:
        """Whether several images have this name, with or without suffix."""
        name = "".join(_parts(written)[-1:]).casefold()
        return 1 < len(self._by_name.get(name) or self._by_stem.get(name, ())) <= FEW

    def find_anywhere(self, written: str, near: str, split: str | None = None) -> Entry | None:
        """Like ``find_upwards``, but finally by the image's name alone.

        If several images have the name, the longest common end of the paths decides, then ``split``: the one
        below a folder of that split. Masks and renderings of annotations come last.
        """
        exact = self._exact.get(f"{near}/{written}" if near else written)
        if exact is not None:
            return exact
        parts = _parts(written)
        called = self._by_name.get(parts[-1].casefold()) if parts else None
        if called is None:
            return None
        entry = self._upwards(parts, near)
        return entry or _only(_alike(called, [part.casefold() for part in parts]), split)

    def find_upwards(self, written: str, near: str) -> Entry | None:
        """Return the image for ``written``, a path relative to the folder ``near`` or one above it.

        Lists made on Windows contain ``..\\images\\1.jpg``; those made for a notebook service contain
        absolute paths there. Leading folders are dropped one by one until an image of the upload matches.
        """
        return self._upwards(_parts(written), near)

    def _upwards(self, parts: list[str], near: str) -> Entry | None:
        for folder in itertools.islice(_upwards(near), MAX_PARTS):
            above = folder + "/" if folder else ""
            for start in range(len(parts)):
                entry = self._at(above + "/".join(parts[start:]))
                if entry is not None:
                    return entry
        return None

    def named(self, wanted: str, near: str, split: str | None = None) -> Entry | None:
        """Return the image whose name without suffix is ``wanted``, preferably beside ``near``."""
        found = self._by_stem.get(wanted.casefold(), [])
        beside = [entry for entry in found if folder_of(entry.path) == near]
        return _only(beside or found, split)

    def _at(self, path: str) -> Entry | None:
        return self._exact.get(path) or self._folded.get(path.casefold())


def _parts(written: str) -> list[str]:
    path = names.normal_separators(written)
    return [part for part in path.split("/") if part not in ("", ".", "..")][-MAX_PARTS:]


def _upwards(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder_of(folder)
    yield ""


def _alike(found: list[Entry], parts: list[str]) -> list[Entry]:
    """Return the images whose paths have the longest common end with ``parts``."""
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
    """Whether the image is in a folder of masks or of rendered annotations."""
    return any(is_masks(part) or is_visualization(part) for part in folder_of(entry.path).split("/"))
