"""The status of a search as people see it: its job is queued while what it has started is at work."""

from __future__ import annotations

from portal.jobs.models import Status


def of(search) -> str:
    """``search`` has a job, and is ``decided`` when nothing is left to start."""
    is_at_work = search.job.status == Status.QUEUED and not search.decided
    return Status.RUNNING if is_at_work else search.job.status
