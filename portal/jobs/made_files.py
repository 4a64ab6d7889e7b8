"""Reads a program's output files without following links.

A program owns its job folder: where a file is expected, it can put a link to the portal's secrets or a pipe
that nobody writes to.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# O_NONBLOCK: opening a pipe would block until something writes to it.
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NotAFile(OSError):
    """The path is not a regular file: a link, a pipe, a folder or the like."""


def open_file(path: Path | str, folder: int | None = None) -> BinaryIO:
    """Open a file that a program made, relative to an open folder if one is given.

    Raises FileNotFoundError, or NotAFile if it is not a regular file.
    """
    try:
        number = os.open(path, READ, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise NotAFile(path) from error
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise NotAFile(path)
    return os.fdopen(number, "rb")


def files_below(folder: Path, within: str = "") -> Iterator[tuple[str, BinaryIO]]:
    """Yield the relative path and the open file of each regular file below ``folder``, by name.

    With ``within``, of that folder inside it. The files are closed here. Links are skipped; so is everything
    if ``folder``, or a folder on the way to ``within``, is a link or not a folder.
    """
    with contextlib.ExitStack() as opened:
        try:
            root = _open_folder(opened, folder)
            for part in Path(within).parts:
                root = _open_folder(opened, part, root)
        except OSError:
            return
        for where, folders, names, descriptor in os.fwalk(".", dir_fd=root, follow_symlinks=False):
            folders.sort()
            for name in sorted(names):
                try:
                    file = open_file(name, descriptor)
                except (NotAFile, FileNotFoundError):
                    continue
                with file:
                    yield Path(where, name).as_posix(), file


def _open_folder(opened: contextlib.ExitStack, path: Path | str, within: int | None = None) -> int:
    number = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=within)
    opened.callback(os.close, number)
    return number
