"""An id for each request, in the header of its response and in every log line that it causes.

Log lines of a worker name the job likewise.

A caller, or a proxy in front, may send its own as ``X-Request-ID``.
"""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Iterator
from contextvars import ContextVar

from portal.core import tracing

HEADER = "X-Request-ID"
LONGEST = 64
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_current: ContextVar[str] = ContextVar("request_id", default="")
_job: ContextVar[int | None] = ContextVar("job_id", default=None)


def of(sent: str | None) -> str:
    """The id that was sent, if it is valid; else a new one."""
    if sent and len(sent) <= LONGEST and set(sent) <= _LETTERS:
        return sent
    return uuid.uuid4().hex


@contextlib.contextmanager
def about_job(pk: int) -> Iterator[None]:
    """Log lines written inside name this job."""
    before = _job.set(pk)
    try:
        yield
    finally:
        _job.reset(before)


class Named(logging.Filter):
    """Adds the ids of the request, the job and the trace to each log record; empty outside of them."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "job_id"):
            record.job_id = _job.get()
        if not hasattr(record, "request_id"):
            # Django logs a refused request after the last middleware, together with the request.
            record.request_id = getattr(getattr(record, "request", None), "id", "") or _current.get()
        record.trace_id = tracing.trace_id()
        return True


class RequestIds:
    """The outermost middleware."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.id = of(request.headers.get(HEADER))
        before = _current.set(request.id)
        try:
            response = self.get_response(request)
        finally:
            _current.reset(before)
        response[HEADER] = request.id
        return response
