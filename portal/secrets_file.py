"""Secrets that are generated on first use and stored in a private folder."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def get_or_create(folder: Path, name: str, make=lambda: secrets.token_urlsafe(48)) -> str:
    """Return the text of ``folder/name``; create it with mode 0600 if it does not exist.

    Safe if several processes start at once: a link is atomic, and the first one wins.
    """
    target = folder / name
    with contextlib.suppress(FileNotFoundError):
        return target.read_text(encoding="ascii")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(make())
    with contextlib.suppress(FileExistsError):
        os.link(temporary, target)
    temporary.unlink()
    return target.read_text(encoding="ascii")
