"""The indexes of versions on this host: read in place, or fetched once from storage."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from portal.core.files import fetch, local_path, prune
from portal.datasets.models import DatasetVersion
from workers.contract.messages import msg
from workers.datakit.errors import StagingError
from workers.datakit.index import Index

CACHE_BYTES = 4 * 1024**3  # an index of 100,000 images has about 30 MB


@contextlib.contextmanager
def opened(version: DatasetVersion) -> Iterator[Index]:
    """The index of a ready version. Raises StagingError if it is lost."""
    with Index(path_of(version)) as index:
        yield index


def path_of(version: DatasetVersion) -> Path:
    """The path of a version's index on this host. Do not keep it: the cache is bounded."""
    try:
        local = local_path(version.index)
        if local is None:
            return _cached(version)
        os.stat(local)
        return local
    except (FileNotFoundError, ValueError) as error:  # gone, or never written
        raise StagingError(
            msg(
                "The index of {version} is no longer in the server's storage: upload the dataset again.",
                version=version,
            )
        ) from error


def copy_to(version: DatasetVersion, target: Path) -> Path:
    """Put a version's index at ``target`` for a program, without copying if it is on the same disk."""
    source = path_of(version)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    return target


def _cached(version: DatasetVersion) -> Path:
    """Names in storage are never reused, so a cached file with that name is the right one."""
    target = Path(settings.CACHE_DIR) / "indexes" / version.index.name.replace("/", "-")
    try:
        os.utime(target)
    except FileNotFoundError:
        fetch(version.index, target)
        prune(target.parent, CACHE_BYTES)
    return target
