"""The virtual board's temporary folder, and those that killed boards left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "vboard-"
LOCK = "lock"
# A folder without a lock belongs to a board that is just starting, unless it is older than this.
UNLOCKED_SECONDS = 600.0


def make() -> tuple[Path, int]:
    """A new folder with a short name, and the descriptor of the lock that shows that its board is alive.

    The path of a unix socket is limited to about 100 characters.
    """
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    # It gets its name only once it is held: another board that starts must not find it free.
    lock = os.open(folder / f"{LOCK}.new", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.rename(folder / f"{LOCK}.new", folder / LOCK)
    return folder, lock


def remove_left_over() -> None:
    """Remove this user's folders of dead boards: a killed one could not do it itself."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            if folder.is_dir() and not folder.is_symlink() and status.st_uid == os.getuid():
                if _is_left_over(folder, status.st_mtime):
                    shutil.rmtree(folder, ignore_errors=True)


def _is_left_over(folder: Path, changed_at: float) -> bool:
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return time.time() - changed_at > UNLOCKED_SECONDS
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
