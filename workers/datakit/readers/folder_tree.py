"""The folders of an upload that contain images, as a tree."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Sequence

from workers.datakit.archive import Entry

# If this fraction of a folder is elsewhere too, it is a duplicate.
COPIED = 0.9


@dataclasses.dataclass(slots=True, eq=False)
class Folder:
    """A folder with its own images, and its folders that contain images."""

    path: str
    name: str
    images: list[Entry] = dataclasses.field(default_factory=list)
    folders: dict[str, Folder] = dataclasses.field(default_factory=dict)
    total: int = 0  # of images in it and below

    def all(self) -> Iterator[Entry]:
        """Yield every image in it and below."""
        waiting = [self]
        while waiting:
            folder = waiting.pop()
            yield from folder.images
            waiting.extend(folder.folders.values())

    def stems(self) -> set[str]:
        return {_stem(entry.path) for entry in self.all()}

    def suffixes(self) -> set[str]:
        return {entry.path.rpartition(".")[2].casefold() for entry in self.all()}


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0].casefold()


def tree_of(images: Iterable[Entry], through: Collection[str] = ()) -> Folder:
    """Return the tree of the folders that contain images.

    The content of folders whose paths are in ``through`` counts as being beside them.
    """
    root = Folder("", "")
    known = {"": root}
    for entry in images:
        path = entry.path.rpartition("/")[0]
        folder = _folder(path, known, through)
        folder.images.append(entry)
        counted = None
        while True:
            if known[path] is not counted:
                counted = known[path]
                counted.total += 1
            if not path:
                break
            path = path.rpartition("/")[0]
    return root


def _folder(path: str, known: dict[str, Folder], through: Collection[str]) -> Folder:
    """Return the folder at ``path``; it and its parents are created if new."""
    missing = []
    while path not in known:
        missing.append(path)
        path = path.rpartition("/")[0]
    folder = known[path]
    for path in reversed(missing):
        if path not in through:
            name = path.rpartition("/")[2]
            folder = folder.folders.setdefault(name, Folder(path, name))
        known[path] = folder
    return folder


def without_nest(folder: Folder) -> Folder:
    """Descend while a folder contains only one other folder: train/train, val/images."""
    while not folder.images and len(folder.folders) == 1:
        folder = next(iter(folder.folders.values()))
    return folder


def is_flat(folder: Folder) -> bool:
    return not without_nest(folder).folders


def copies_in(folder: Folder, tops: Sequence[Folder]) -> list[Folder]:
    """Return those of ``tops``, in ``folder``, nearly all of which is beside them at the same paths.

    Every image is compared twice, however many folders there are.
    """
    nested = [top for top in tops if top.folders]
    start = len(folder.path) + 1 if folder.path else 0
    there = {(entry.path[start:], entry.size) for entry in folder.all()} if nested else set()
    return [top for top in nested if _is_copy(top, there)]


def _is_copy(top: Folder, there: set[tuple[str, int]]) -> bool:
    here = {(entry.path[len(top.path) + 1 :], entry.size) for entry in top.all()}
    mine = top.name + "/"
    beside = sum(fact in there and not fact[0].startswith(mine) for fact in here)
    return beside >= COPIED * len(here)
