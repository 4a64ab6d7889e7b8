"""The events of datasets."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.notify.events import Event, Facts, absolute
from portal.notify.events import register as register_event
from portal.notify.models import Audience


def register() -> None:
    register_event(
        Event(
            "dataset.review",
            _("An upload needs review"),
            _("%(name)s is checked and needs review: look at how it was read."),
            "question-circle-fill",
            _describe,
            portal=Audience.MINE,
            colour="warning",
        )
    )


def _describe(version) -> Facts:
    path = reverse("dataset-version", args=[version.pk])
    person = version.job.created_by
    data = {
        "id": version.pk, "dataset": version.dataset.name, "number": version.number,
        "certain": (version.reading or {}).get("certain", True),
        "created_by": person.get_username() if person else None, "url": absolute(path),
    }  # fmt: skip
    owner = version.job.created_by_id
    return Facts({"name": str(version)}, path, owner, {"dataset_version": data})
