"""Copies between storage and a worker's local disk."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

BLOCK = 1024 * 1024


def fetch(field_file, target: Path) -> Path:
    """Copy a stored file to ``target``, atomically: it is whole or not there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        with field_file.open("rb") as source, temporary.open("wb") as copy:
            shutil.copyfileobj(source, copy, BLOCK)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def fetch_artifact(job, name: str, target: Path) -> Path:
    """Copy a job's artifact to ``target``."""
    return fetch(job.artifacts.get(name=name).file, target)
