"""Where an upload is on its way to a version, and whether a person has to look at how it was understood."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.jobs.models import Job, Status

COPYING = "copying"  # the phase of an import, before its check begins


class UploadState(models.TextChoices):
    """Where an upload is. The first is told by its bytes, the others by the check of its version."""

    RECEIVING = "receiving", _("Receiving")
    RECEIVED = "received", _("Received")
    EXTRACTING = "extracting", _("Extracting")
    CHECKING = "checking", _("Checking")
    REVIEW = "review", _("Needs review")
    READY = "ready", _("Ready")
    REFUSED = "refused", _("Refused")
    EXPIRED = "expired", _("Expired")


class Review(models.TextChoices):
    """Whether a person looks at how an upload was understood; empty where nobody has to."""

    WAITING = "waiting", _("Needs review")
    CONFIRMED = "confirmed", _("Confirmed")


REVIEW = "review"  # of a version, where a job's status would say that it succeeded


def check_state(job: Job, review: str) -> UploadState:
    """What the check of a whole upload is at, from its job's status and phase."""
    if job.status == Status.SUCCEEDED:
        return UploadState.REVIEW if review == Review.WAITING else UploadState.READY
    if job.is_final:
        return UploadState.REFUSED
    if job.phase == COPYING:
        return UploadState.RECEIVING
    if job.status == Status.QUEUED or not job.phase:
        return UploadState.RECEIVED
    return UploadState.EXTRACTING if job.phase == "extracting" else UploadState.CHECKING
