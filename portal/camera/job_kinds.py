"""The kinds of job that read the camera of a board."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.camera import capture, live, services
from portal.camera.models import Capture, LiveView
from portal.devices.job_kinds import on_board
from portal.jobs import filters, kinds
from portal.jobs.kinds import Subject
from portal.teams import quota_usage
from portal.teams.quota_usage import StoragePart
from workers.contract.messages import msg

QUEUE = "camera"


def register() -> None:
    kinds.register(
        on_board(
            "capture",
            name=capture.KIND,
            title=_("Capture images"),
            queue=QUEUE,
            time_limit=4 * 3600,
            perform=capture.perform,
            replace=capture.replace,
            subjects=_captures,
        )
    )
    kinds.register(
        on_board(
            "live_view",
            name=live.KIND,
            title=_("Live view"),
            queue=QUEUE,
            time_limit=3600,
            perform=live.perform,
            replace=live.replace,
            after=live.after,
            subjects=_live_views,
        )
    )
    quota_usage.add_storage(StoragePart("captured", _("Images from cameras"), services.stored_bytes))
    filters.extend("device", "capture__device", "live_view__device")


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
