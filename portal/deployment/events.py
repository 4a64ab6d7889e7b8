"""The events of deployments."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.models import pages
from portal.notify.events import Event, Facts, absolute
from portal.notify.events import register as register_event
from portal.notify.models import Audience


def register() -> None:
    register_event(
        Event(
            "deployment.finished",
            _("A deployment has finished"),
            _("%(name)s was deployed to %(device)s."),
            "check-circle-fill",
            _describe,
            portal=Audience.NOTHING,  # the run's own event covers it, and who deploys by hand is watching
            colour="success",
        )
    )
    register_event(
        Event(
            "deployment.failed",
            _("A deployment has failed"),
            _("The deployment of %(name)s to %(device)s has failed: %(message)s"),
            "x-octagon-fill",
            _describe,
            colour="danger",
        )
    )


def _describe(deployment) -> Facts:
    model, device, job = deployment.compiled_model.model, deployment.device, deployment.job
    page = pages.of([model])[model.pk]
    words = {"name": page.words, "device": device.name, "message": job.message}
    data = {
        "deployment": {
            "id": deployment.pk,
            "job": job.pk,
            "message": job.message,
            "url": absolute(page.url),
        },
        **page.names,
        "model": {"id": model.pk, "name": model.name},
        "device": {"id": device.pk, "name": device.name},
    }
    return Facts(words, page.url, job.created_by_id, data)
