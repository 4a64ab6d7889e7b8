"""The job kind that manages the application on a board."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.application import pages, services
from portal.application.models import Application
from portal.core import panels
from portal.devices.job_kinds import on_board
from portal.jobs import filters, kinds
from portal.jobs.kinds import Subject


def register() -> None:
    kinds.register(
        on_board(
            "application",
            name=services.KIND,
            title=_("Application on a board"),
            time_limit=600,
            perform=services.perform,
            complete=services.complete,
            replace=services.replace,
            subjects=_subjects,
        )
    )
    filters.extend("device", "application__device")
    panels.add("device", pages.device_panel)


def _subjects(ids: set[int]) -> dict[int, Subject]:
    rows = Application.objects.filter(job__in=ids).select_related("device")
    return {row.job_id: Subject(str(row), reverse("app-detail", args=[row.device_id])) for row in rows}
