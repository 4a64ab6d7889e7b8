"""An upload as readers see it: its files without ignored ones, and a person's options."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from workers.datakit import names
from workers.datakit.archive import Archive, Entry

from .finder import ImageFinder
from .options import ReadingOptions
from .reading import IGNORED, MASKS, UNLABELLED
from .texts import encoding_of

T = TypeVar("T")


class Upload:
    """An archive filtered by the reading options. Readers take entries only from here.

    ``aside`` are the images of folders that a person declared to be masks or unlabelled.
    """

    def __init__(self, archive: Archive, options: ReadingOptions | None = None):
        self.archive = archive
        self.options = options or ReadingOptions()
        self.kind = archive.kind
        self.folders = archive.folders
        self.entries, self.aside = _wanted(archive.entries, self.options)
        self._encodings: dict[str, str] = {}
        self._made: dict[Callable[[Upload], Any], Any] = {}

    @functools.cached_property
    def images(self) -> list[Entry]:
        return [entry for entry in self.entries if names.is_image(entry.path)]

    @functools.cached_property
    def files(self) -> list[Entry]:
        """The entries that are not images."""
        return [entry for entry in self.entries if not names.is_image(entry.path)]

    @functools.cached_property
    def finder(self) -> ImageFinder:
        return ImageFinder(self.images)

    def once(self, make: Callable[[Upload], T]) -> T:
        """Return ``make(self)``, computed once."""
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make]

    def by_suffix(self, *suffixes: str) -> list[Entry]:
        return [entry for entry in self.files if entry.path.lower().endswith(suffixes)]

    def read(self, entry: Entry, max_bytes: int) -> bytes:
        return self.archive.read(entry, max_bytes)

    def encoding(self, entry: Entry, max_bytes: int) -> str:
        """Return a text file's encoding, detected once: a large file is read for it."""
        if entry.path not in self._encodings:
            self._encodings[entry.path] = encoding_of(self.archive, entry, max_bytes)
        return self._encodings[entry.path]

    def blocks(self, entry: Entry, max_bytes: int) -> Iterator[bytes]:
        return self.archive.blocks(entry, max_bytes)


def _wanted(entries: list[Entry], options: ReadingOptions) -> tuple[list[Entry], list[Entry]]:
    """Return the entries to read, and the images that a person put aside."""
    if not options.ignore and not options.roles:
        return entries, []
    kept, aside = [], []
    for entry in entries:
        if options.ignores(entry.path) or options.given_role(entry.path, IGNORED):
            continue
        put_aside = names.is_image(entry.path) and options.given_role(entry.path, MASKS, UNLABELLED)
        (aside if put_aside else kept).append(entry)
    return kept, aside
