"""Where an ingest finds its images, besides uploads and imports: apps above register an option."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from portal.datasets.models import DatasetVersion

Write = Callable[[DatasetVersion, Path], Path]
_sources: dict[str, Write] = {}


def register(option: str, write: Write) -> None:
    """Versions with this option are made of the archive that ``write(version, target)`` writes in the job.

    Raises InputError if the images are gone.
    """
    _sources[option] = write


def of(version: DatasetVersion) -> Write | None:
    return next((write for option, write in _sources.items() if option in version.options), None)
