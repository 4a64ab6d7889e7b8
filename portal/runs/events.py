"""The events of runs."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.models import pages
from portal.notify.events import Event, Facts, absolute
from portal.notify.events import register as register_event
from portal.notify.models import Audience
from portal.runs.graph import Graph
from portal.runs.models import NewerModel
from portal.runs.quality import quality


def register() -> None:
    register_event(
        Event(
            "run.finished",
            _("A run has finished"),
            _("The run %(name)s has finished."),
            "check-circle-fill",
            _describe,
            portal=Audience.MINE,
            colour="success",
        )
    )
    register_event(
        Event(
            "run.failed",
            _("A run has failed"),
            _("The run %(name)s has failed: %(message)s"),
            "x-octagon-fill",
            _describe,
            portal=Audience.MINE,
            colour="danger",
        )
    )
    register_event(
        Event(
            "device.newer",
            _("A newer model exists for a device"),
            _("A newer model is available for the device %(name)s: %(model)s."),
            "cpu",
            _describe_newer,
            colour="info",
        )
    )


def _describe_newer(row: NewerModel) -> Facts:
    device, page = row.device, pages.of([row.model])[row.model_id]
    path = reverse("device-detail", args=[device.pk])
    data = {
        "device": {"id": device.pk, "name": device.name, "profile": device.profile, "url": absolute(path)},
        "model": {"id": row.model_id, "name": row.model.name, "url": absolute(page.url)},
    }
    return Facts({"name": device.name, "model": row.model.name}, path, device.created_by_id, data)


def _quality(run) -> dict | None:
    """Whether its models meet its limits, and which miss them."""
    judged = quality(Graph(run))
    return judged and {"state": judged.state, "misses": [miss.sentence for miss in judged.misses]}


def _describe(run) -> Facts:
    path = run.get_absolute_url()
    data = {
        "id": run.pk, "name": run.name, "status": run.status, "message": run.message,
        "dataset": run.dataset_version.dataset.name, "dataset_version": run.dataset_version_id,
        "recipe": run.recipe, "created_by": run.created_by.get_username() if run.created_by else None,
        "quality": _quality(run), "url": absolute(path),
    }  # fmt: skip
    return Facts({"name": run.name, "message": run.message}, path, run.created_by_id, {"run": data})
