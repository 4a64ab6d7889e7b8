"""The kinds of job that read the camera of a board."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.camera import capture, services
from portal.camera.models import Capture
from portal.devices.job_kinds import held_up_at
from portal.devices.models import Device
from portal.jobs import filters, kinds
from portal.jobs.kinds import Subject
from portal.jobs.models import Job
from portal.teams import quota_usage
from portal.teams.models import Role
from portal.teams.quota_usage import StoragePart
from workers.contract.messages import msg

QUEUE = "camera"


def register() -> None:
    kinds.register(
        kinds.Kind(
            name=capture.KIND,
            title=_("Capture images"),
            queue=QUEUE,
            time_limit=4 * 3600,
            perform=capture.perform,
            claim=_claim_capture,
            held_up=lambda ids: held_up_at(("capture__device",), ids),
            replace=capture.replace,
            subjects=_captures,
            role=Role.OPERATOR,
        )
    )
    quota_usage.add_storage(StoragePart("captured", _("Images from cameras"), services.stored_bytes))
    filters.extend("device", "capture__device")


def _claim_capture(job: Job) -> bool:
    return Device.objects.claim(job.capture.device_id, job)


def _captures(ids: set[int]) -> dict[int, Subject]:
    rows = Capture.objects.filter(job__in=ids).select_related("device", "draft")
    return {
        row.job_id: Subject(
            msg("{device} for {dataset}", device=row.device, dataset=row.draft.dataset_name),
            reverse("camera-draft", args=[row.draft_id]),
        )
        for row in rows
    }
