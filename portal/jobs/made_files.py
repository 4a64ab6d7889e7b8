"""Reads what a program made without following where it leads.

A program owns its job folder: it can put a link to the portal's secrets, or a pipe that nobody writes to,
where a file of its own is expected.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# O_NONBLOCK: opening a pipe would wait for somebody to write to it.
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NotAFile(OSError):
    """What is there is a link, a pipe, a folder or the like."""


def open_file(path: Path | str, folder: int | None = None) -> BinaryIO:
    """Open a file that a program made, in an open folder where one is given.

    Raises FileNotFoundError, and NotAFile for what is there but is no ordinary file.
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


def files_below(folder: Path) -> Iterator[tuple[str, BinaryIO]]:
    """Yield the path below ``folder``, with slashes, and the open file of each ordinary file, by name.

    The files are closed here. Links are passed over, and so is ``folder`` when it is no folder or a link.
    """
    if folder.is_symlink() or not folder.is_dir():
        return
    for where, folders, names, descriptor in os.fwalk(folder, follow_symlinks=False):
        folders.sort()
        for name in sorted(names):
            try:
                file = open_file(name, descriptor)
            except (NotAFile, FileNotFoundError):
                continue
            with file:
                yield Path(where, name).relative_to(folder).as_posix(), file
