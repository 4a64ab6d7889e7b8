"""Starts worker programs as the portal does, for tests that need no job for it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from django.conf import settings

from portal.jobs import confinement
from portal.jobs.kinds import Invocation


def launch(argv: list[str], folder: Path, time_limit: int = 600, **options) -> subprocess.Popen:
    """Start a program on a job folder with a ``spec.json``; its output goes to ``log.txt`` there."""
    spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
    options = {"data_bytes": settings.TRAIN_MEMORY_BYTES, **options}
    invocation = Invocation(argv, spec["inputs"], spec["params"], **options)
    with (folder / "log.txt").open("ab") as log:
        return confinement.launch(invocation, folder, log, time_limit)
