"""The kinds of job that read the camera of a board."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.camera import capture, live, services
from portal.camera.models import Capture, LiveView
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
    kinds.register(
        kinds.Kind(
            name=live.KIND,
            title=_("Live view"),
            queue=QUEUE,
            time_limit=3600,
            perform=live.perform,
            claim=lambda job: Device.objects.claim(job.live_view.device_id, job),
            held_up=lambda ids: held_up_at(("live_view__device",), ids),
            replace=live.replace,
            after=live.after,
            subjects=_live_views,
            role=Role.OPERATOR,
        )
    )
    quota_usage.add_storage(StoragePart("captured", _("Images from cameras"), services.stored_bytes))
    filters.extend("device", "capture__device", "live_view__device")


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


def _live_views(ids: set[int]) -> dict[int, Subject]:
    rows = LiveView.objects.filter(job__in=ids).select_related("device")
    return {
        row.job_id: Subject(row.device.name, reverse("camera-live", args=[row.device_id])) for row in rows
    }
