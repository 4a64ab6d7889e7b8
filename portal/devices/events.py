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
    register_event(
        Event(
            "device.foreign",
            _("A device runs a release that Slipway did not deploy"),
            _("The device %(name)s runs the release %(release)s, which Slipway did not deploy."),
            "exclamation-triangle-fill",
            _describe,
            colour="warning",
        )
    )
    register_event(
        Event(
            "device.clock",
            _("The clock of a device is wrong"),
            _("The clock of the device %(name)s is more than 5 minutes off."),
            "exclamation-triangle-fill",
            _describe,
            colour="warning",
        )
    )


def _describe(device) -> Facts:
    path = reverse("device-detail", args=[device.pk])
    seen = device.seen_at.isoformat() if device.seen_at else None
    data = {
        "id": device.pk, "name": device.name, "profile": device.profile, "problem": device.problem,
        "release": device.reported_release,
        "seen_at": seen, "url": absolute(path),
    }  # fmt: skip
    words = {"name": device.name, "message": device.problem, "release": device.reported_release}
    return Facts(words, path, device.created_by_id, {"device": data})
