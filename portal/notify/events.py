"""The events that people and other systems are told of: what each says, and to whom by default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.core import sentences
from portal.notify.models import Audience
from portal.teams.models import Role


@dataclass(frozen=True)
class Facts:
    """An event of one row: what its sentence names, its page, whose it is, and what a webhook carries."""

    words: dict[str, Any]
    path: str
    owner_id: int | None
    data: dict[str, Any]


@dataclass(frozen=True)
class Event:
    """``sentence`` names ``Facts.words`` as its placeholders; ``least`` is the role that is told of it."""

    name: str
    title: Any
    sentence: Any
    icon: str
    describe: Callable[[Any], Facts]
    portal: str = Audience.ALL
    least: str = Role.VIEWER
    for_webhooks: bool = True
    colour: str = field(default="secondary")

    def say(self, words: dict[str, Any]) -> str:
        """The event as a sentence in the reader's language."""
        told = {key: sentences.translate(str(value)) for key, value in words.items() if key == "message"}
        return str(self.sentence) % {**words, **told}


def absolute(path: str) -> str:
    return settings.SITE_URL.rstrip("/") + path


def _of_run(run) -> Facts:
    path = reverse("run-detail", args=[run.pk])
    data = {
        "id": run.pk, "name": run.name, "status": run.status, "message": run.message,
        "dataset": run.dataset_version.dataset.name, "dataset_version": run.dataset_version_id,
        "recipe": run.recipe, "created_by": run.created_by.get_username() if run.created_by else None,
        "url": absolute(path),
    }  # fmt: skip
    return Facts({"name": run.name, "message": run.message}, path, run.created_by_id, {"run": data})


def _of_deployment(deployment) -> Facts:
    run, device, job = deployment.run, deployment.device, deployment.job
    path = reverse("run-detail", args=[run.pk])
    words = {"name": run.name, "device": device.name, "message": job.message}
    data = {
        "deployment": {"id": deployment.pk, "job": job.pk, "message": job.message, "url": absolute(path)},
        "run": {"id": run.pk, "name": run.name},
        "device": {"id": device.pk, "name": device.name},
    }
    return Facts(words, path, run.created_by_id, data)


def _of_device(device) -> Facts:
    path = reverse("device-detail", args=[device.pk])
    seen = device.seen_at.isoformat() if device.seen_at else None
    data = {
        "id": device.pk, "name": device.name, "profile": device.profile, "problem": device.problem,
        "seen_at": seen, "url": absolute(path),
    }  # fmt: skip
    words = {"name": device.name, "message": device.problem}
    return Facts(words, path, device.created_by_id, {"device": data})


def _of_webhook(webhook) -> Facts:
    path = reverse("webhook-detail", args=[webhook.pk])
    words = {"name": webhook.name, "message": webhook.stopped_because}
    return Facts(words, path, webhook.created_by_id, {})


EVENTS = {
    event.name: event
    for event in (
        Event(
            "run.finished",
            _("A run has finished"),
            _("The run %(name)s has finished."),
            "check-circle-fill",
            _of_run,
            portal=Audience.MINE,
            colour="success",
        ),
        Event(
            "run.failed",
            _("A run has failed"),
            _("The run %(name)s has failed: %(message)s"),
            "x-octagon-fill",
            _of_run,
            portal=Audience.MINE,
            colour="danger",
        ),
        Event(
            "deployment.failed",
            _("A deployment has failed"),
            _("The deployment of %(name)s to %(device)s has failed: %(message)s"),
            "x-octagon-fill",
            _of_deployment,
            colour="danger",
        ),
        Event(
            "device.lost",
            _("A device no longer answers"),
            _("The device %(name)s no longer answers: %(message)s"),
            "exclamation-triangle-fill",
            _of_device,
            colour="danger",
        ),
        Event(
            "device.back",
            _("A lost device answers again"),
            _("The device %(name)s answers again."),
            "check-circle-fill",
            _of_device,
            colour="success",
        ),
        Event(
            "webhook.stopped",
            _("A webhook was switched off"),
            _("The webhook %(name)s was switched off: %(message)s"),
            "exclamation-triangle-fill",
            _of_webhook,
            least=Role.ADMIN,
            for_webhooks=False,
            colour="warning",
        ),
    )
}
WEBHOOK_EVENTS = [name for name, event in EVENTS.items() if event.for_webhooks]
