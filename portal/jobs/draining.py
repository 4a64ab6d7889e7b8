"""Whether this worker is about to stop and its time for running jobs is over.

Celery's main process is told to stop; the jobs run in processes that it forked. They share a few bytes.
"""

from __future__ import annotations

import mmap
import struct
import time

from django.conf import settings

_over_at = mmap.mmap(-1, 8)  # on the monotonic clock, which all processes share; 0 while nobody stops


def begin(**kwargs) -> None:
    """Run by Celery's main process when it is told to stop: no new jobs; those that run get DRAIN_SECONDS."""
    struct.pack_into("d", _over_at, 0, time.monotonic() + settings.DRAIN_SECONDS)


def is_over() -> bool:
    """Whether a running job must be handed back now."""
    at = struct.unpack_from("d", _over_at)[0]
    return at > 0 and time.monotonic() >= at


def forget() -> None:
    """For tests."""
    struct.pack_into("d", _over_at, 0, 0.0)
