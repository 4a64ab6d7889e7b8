"""Reads a job's log and files back."""

from __future__ import annotations

import mimetypes

from django.http import Http404, HttpResponse

from portal.core import conditional, ranges
from portal.jobs import kinds
from portal.jobs.models import Job

READ_AT_MOST = 512 * 1024
# Displayed inline; everything else is a download, so that no uploaded file can act as a page of the portal.
INLINE_TYPES = {"image/png", "image/jpeg"}


def read_log(job: Job, offset: int) -> tuple[str, int]:
    """The text from byte ``offset`` of the log, at most half a megabyte, and its end offset."""
    chunks = job.log_chunks.filter(offset__gte=max(0, offset))
    before = job.log_chunks.filter(offset__lt=offset).last()
    parts: list[str] = []
    end = offset
    if before is not None and before.offset + before.size > offset:
        parts.append(before.text.encode()[offset - before.offset :].decode(errors="replace"))
        end = before.offset + before.size
    for chunk in chunks.iterator(chunk_size=100):
        if end - offset >= READ_AT_MOST:
            break
        parts.append(chunk.text)
        end = chunk.offset + chunk.size
    return "".join(parts), end


def _whole(job: Job) -> bytes:
    return "".join(job.log_chunks.values_list("text", flat=True)).encode()


def serve_log(request, job: Job, offset: int) -> HttpResponse:
    """The log from byte ``offset``. X-Offset is where to continue, X-Finished whether more can come."""
    # The job's row is read before the log, so that no text is missed.
    finished = job.is_final
    if "Range" in request.headers:
        tag = f"{job.pk}-{job.log_bytes}-{finished}"
        return ranges.serve_made(
            request,
            lambda: iter([_whole(job)]),
            lambda: job.log_bytes,
            tag=tag,
            name="log.txt",
            content_type="text/plain; charset=utf-8",
        )
    tag = conditional.tag_of(job.pk, offset, job.log_bytes, finished)
    if conditional.is_known(request, tag):
        return conditional.not_modified(tag)
    text, end = read_log(job, offset)
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Accept-Ranges"] = "bytes"
    response["X-Offset"] = end
    response["X-Finished"] = "yes" if finished and end >= job.log_bytes else "no"
    return conditional.mark(response, tag)


def last_metric(job: Job) -> int | None:
    """The id of the newest curve point."""
    return job.metrics.order_by("-pk").values_list("pk", flat=True).first()


def serve_artifact(request, job: Job, name: str) -> HttpResponse:
    """Serve a job's file or a range of it; images inline, everything else as a download."""
    artifact = job.artifacts.filter(name=name).first()
    if artifact is None:
        raise Http404
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    inline = kind in INLINE_TYPES
    return ranges.serve(
        request,
        artifact.file,
        size=artifact.size,
        sha256=artifact.sha256,
        name=kinds.get(job.kind).file_name(job, name),
        content_type=kind if inline else "application/octet-stream",
        attachment=not inline,
    )
