"""The errors of dataset ingest. InputError is the contract's: its sentence reaches the person unchanged."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from workers.contract import InputError, ToolchainError
from workers.contract.diskspace import SENTENCE, no_space

__all__ = ["ImageError", "InputError", "StagingError", "full_disk_is_input_error"]


class ImageError(ValueError):
    """An image cannot be used; the message completes the sentence "<file> …"."""


class StagingError(ToolchainError):
    """A stored dataset cannot be unpacked into the local cache."""


@contextlib.contextmanager
def full_disk_is_input_error() -> Iterator[None]:
    """Turn the operating system's "no space left" into a sentence that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EFBIG and not no_space(error):
            raise
        raise InputError(SENTENCE) from error
