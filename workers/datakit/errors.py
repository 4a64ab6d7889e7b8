"""The errors of dataset ingest. InputError is the contract's: its sentence reaches the person as it is."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from workers.contract import InputError, ToolchainError

__all__ = ["ImageError", "InputError", "StagingError", "full_disk_is_input_error"]

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class ImageError(ValueError):
    """One picture cannot be used; the message finishes the sentence "<file> …"."""


class StagingError(ToolchainError):
    """A stored dataset cannot be unpacked into the local cache."""


@contextlib.contextmanager
def full_disk_is_input_error() -> Iterator[None]:
    """Turn the operating system's "no space left" into a sentence that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        raise InputError(
            "The server's disk is full, so the upload could not be unpacked: "
            "free some space (or ask the administrator to), then upload it again."
        ) from error
