"""The events of devices."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.notify.events import Event, Facts, absolute
from portal.notify.events import register as register_event


def register() -> None:
    register_event(
        Event(
            "device.lost",
            _("A device no longer answers"),
            _("The device %(name)s no longer answers: %(message)s"),
            "exclamation-triangle-fill",
            _describe,
            colour="danger",
        )
    )
    register_event(
        Event(
            "device.back",
            _("A lost device answers again"),
            _("The device %(name)s answers again."),
            "check-circle-fill",
            _describe,
            colour="success",
        )
    )


def _describe(device) -> Facts:
    path = reverse("device-detail", args=[device.pk])
    seen = device.seen_at.isoformat() if device.seen_at else None
    data = {
        "id": device.pk, "name": device.name, "profile": device.profile, "problem": device.problem,
        "seen_at": seen, "url": absolute(path),
    }  # fmt: skip
    words = {"name": device.name, "message": device.problem}
    return Facts(words, path, device.created_by_id, {"device": data})
