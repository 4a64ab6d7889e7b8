"""What readers see of an upload: its files without the ignored ones, and what a person said about them."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from workers.datakit import names
from workers.datakit.archive import Archive, Entry

from .finder import ImageFinder
from .options import ReadingOptions
from .reading import IGNORED


class Upload:
    """An archive seen through the reading options. Readers take entries from here alone."""

    def __init__(self, archive: Archive, options: ReadingOptions | None = None):
        self.archive = archive
        self.options = options or ReadingOptions()
        self.kind = archive.kind
        self.folders = archive.folders
        self.entries = _wanted(archive.entries, self.options)

    @functools.cached_property
    def images(self) -> list[Entry]:
        return [entry for entry in self.entries if names.is_image(entry.path)]

    @functools.cached_property
    def files(self) -> list[Entry]:
        """The entries that are no images."""
        return [entry for entry in self.entries if not names.is_image(entry.path)]

    @functools.cached_property
    def finder(self) -> ImageFinder:
        return ImageFinder(self.entries)

    def by_suffix(self, *suffixes: str) -> list[Entry]:
        return [entry for entry in self.files if entry.path.lower().endswith(suffixes)]

    def read(self, entry: Entry, max_bytes: int) -> bytes:
        return self.archive.read(entry, max_bytes)

    def blocks(self, entry: Entry, max_bytes: int) -> Iterator[bytes]:
        return self.archive.blocks(entry, max_bytes)


def _wanted(entries: list[Entry], options: ReadingOptions) -> list[Entry]:
    ignored = [folder + "/" for folder, role in options.roles.items() if role == IGNORED]
    if not options.ignore and not ignored:
        return entries
    return [
        entry
        for entry in entries
        if not options.ignores(entry.path) and not entry.path.startswith(tuple(ignored))
    ]
