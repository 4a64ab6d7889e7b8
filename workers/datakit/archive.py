"""Reads an uploaded archive that may be damaged or hostile.

``opening.open_archive`` detects the kind by the first bytes and reads only the table of contents; it rejects
what no honest tool writes. Names from the archive are never used as paths on disk: contents are read into
memory, one at a time, by a ``Source``. A new kind is one more subclass of each and a line in
``open_archive``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from workers.contract.messages import msg, msg_n

from . import names
from .errors import InputError
from .findings import Findings
from .limits import RATIO_FLOOR, Limits, human_bytes

CHUNK = 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One file in an archive: its clean relative path, unpacked size, and the archive's own handle.

    ``derive`` computes the file's content from the stored one, for an image embedded in another file;
    ``size`` is then that of the stored one.
    """

    path: str
    size: int
    handle: Any
    derive: Callable[[bytes], bytes] | None = None


class Source:
    """Reads the contents of an archive's files, in any process: only its path is passed there."""

    kind = "archive"

    def __init__(self, path: Path):
        self.path = path
        self._file: BinaryIO | None = None

    def __reduce__(self) -> tuple[type[Source], tuple[Path]]:
        return type(self), (self.path,)

    @property
    def file(self) -> BinaryIO:
        if self._file is None:
            self._file = self.path.open("rb")
        return self._file

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def stored(self, entry: Entry) -> bytes:
        """Return the bytes of the stored file; raise InputError if they are damaged."""
        raise NotImplementedError

    def blocks(self, entry: Entry) -> Iterator[bytes]:
        """Yield the bytes of the stored file in blocks; raise InputError once damage is detected."""
        raise NotImplementedError

    def read(self, entry: Entry) -> bytes:
        """Return the entry's content, possibly derived from the stored one."""
        content = self.stored(entry)
        return content if entry.derive is None else entry.derive(content)

    def damaged(self, entry: Entry) -> InputError:
        return InputError(
            msg(
                "The {kind} is damaged at {path}: make it again (or upload it again) and retry.",
                kind=self.kind,
                path=repr(names.show(entry.path)),
            )
        )


class Archive:
    """An archive with a checked table of contents. Use as a context manager.

    ``entries`` are its files and ``folders`` its folders, without files that operating systems add.
    """

    kind = "archive"  # its name in sentences
    entries: list[Entry]
    folders: list[str]

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        raise NotImplementedError

    @property
    def source(self) -> Source:
        """The reader of the files' contents; it may be passed to another process."""
        raise NotImplementedError

    def read(self, entry: Entry, max_bytes: int) -> bytes:
        """Return the content of a small file; raise InputError if it exceeds ``max_bytes`` or is damaged."""
        self._check_size(entry, max_bytes)
        return self.source.stored(entry)

    def blocks(self, entry: Entry, max_bytes: int) -> Iterator[bytes]:
        """Yield the content of a file piece by piece; raise InputError as ``read`` does."""
        self._check_size(entry, max_bytes)
        return self.source.blocks(entry)

    @staticmethod
    def _check_size(entry: Entry, max_bytes: int) -> None:
        if entry.size > max_bytes:
            raise InputError(
                msg(
                    "{path} is {size} large, more than such a file may be ({max_bytes}): check that "
                    "it is the right file.",
                    path=names.show(entry.path),
                    size=human_bytes(entry.size),
                    max_bytes=human_bytes(max_bytes),
                )
            )

    def _set_contents(self, listed: Iterable[tuple[str, bool, int, Any]]) -> None:
        """Fill ``entries`` and ``folders`` from (name, is a folder, bytes, handle) of the whole contents."""
        self.entries, self.folders = [], []
        seen: set[str] = set()
        for name, is_folder, size, handle in listed:
            path = names.clean_path(name)
            if not path or names.is_junk(path):
                continue
            if is_folder:
                self.folders.append(path)
                continue
            if path in seen:
                raise InputError(
                    msg(
                        "The {kind} holds two files called {path}: make the {kind} again.",
                        kind=self.kind,
                        path=repr(names.show(path)),
                    )
                )
            seen.add(path)
            self.entries.append(Entry(path, size, handle))
        self._check_files_are_not_folders(seen)

    def _check_files_are_not_folders(self, paths: set[str]) -> None:
        checked: set[str] = set()
        for path in paths:
            parent = path.rpartition("/")[0]
            while parent and parent not in checked:
                if parent in paths:
                    raise InputError(
                        msg(
                            "The {kind} holds {parent} as a file and as a folder: make the {kind} again.",
                            kind=self.kind,
                            parent=repr(names.show(parent)),
                        )
                    )
                checked.add(parent)
                parent = parent.rpartition("/")[0]


def check_unpacked_bytes(kind: str, unpacked: int, packed: int, limits: Limits) -> None:
    """Reject an archive that unpacks to more than is allowed, or has the compression ratio of a zip bomb."""
    if unpacked > limits.max_unpacked_bytes:
        raise InputError(
            msg(
                "The {kind} unpacks to {unpacked}, more than the {max_unpacked_bytes} allowed: "
                "split the images over several datasets.",
                kind=kind,
                unpacked=human_bytes(unpacked),
                max_unpacked_bytes=human_bytes(limits.max_unpacked_bytes),
            )
        )
    if unpacked > RATIO_FLOOR and unpacked > limits.max_ratio * packed:
        raise InputError(
            msg(
                "The {kind} unpacks to {times} times its size, as only a {kind} bomb does: "
                "upload a {kind} of ordinary images.",
                kind=kind,
                times=f"{unpacked / packed:.0f}",
            )
        )


def decode_unmarked_names(raw_names: list[bytes], findings: Findings) -> list[str]:
    """Decode names without an encoding flag, all together."""
    decoded, encoding = names.decode_names(raw_names)
    if encoding != "utf-8":
        label = "GBK" if encoding == "gb18030" else msg("code page 437")
        for text in decoded:
            if not text.isascii():
                message = msg_n(
                    "{count} file name was not marked as UTF-8 and was read as {label}.",
                    "{count} file names were not marked as UTF-8 and were read as {label}.",
                    0,
                    label=label,
                )
                findings.add("info", "names-decoded", message, names.show(text))
    return decoded
