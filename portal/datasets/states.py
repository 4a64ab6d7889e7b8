"""The states of an upload on its way to a version, and of the review of how it was read."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.jobs.models import Job, Status

COPYING = "copying"  # the phase of an import before its check


class UploadState(models.TextChoices):
    """The state of an upload: the first from its bytes, the others from the check of its version."""

    RECEIVING = "receiving", _("Receiving")
    RECEIVED = "received", _("Received")
    EXTRACTING = "extracting", _("Extracting")
    CHECKING = "checking", _("Checking")
    REVIEW = "review", _("Needs review")
    READY = "ready", _("Ready")
    REFUSED = "refused", _("Refused")
    EXPIRED = "expired", _("Expired")


class Review(models.TextChoices):
    """Whether a person reviews how an upload was read; empty if nobody has to."""

    WAITING = "waiting", _("Needs review")
    CONFIRMED = "confirmed", _("Confirmed")


REVIEW = "review"  # of a version whose job has succeeded


def check_state(job: Job, review: str) -> UploadState:
    """The state of a complete upload, from the status and phase of its check."""
    if job.status == Status.SUCCEEDED:
        return UploadState.REVIEW if review == Review.WAITING else UploadState.READY
    if job.is_final:
        return UploadState.REFUSED
    if job.phase == COPYING:
        return UploadState.RECEIVING
    if job.status == Status.QUEUED or not job.phase:
        return UploadState.RECEIVED
    return UploadState.EXTRACTING if job.phase == "extracting" else UploadState.CHECKING
