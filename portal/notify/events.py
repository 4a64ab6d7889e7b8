"""The registry of events that people and other systems are told of, with texts and default audience."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.core.messages import shown
from portal.notify.models import Audience
from portal.teams.models import Role


@dataclass(frozen=True)
class Facts:
    """An event of one row: the parameters of its sentence, its page, its owner, and its webhook data."""

    words: dict[str, Any]
    path: str
    owner_id: int | None
    data: dict[str, Any]


@dataclass(frozen=True)
class Event:
    """``sentence`` uses ``Facts.words`` as placeholders; ``least`` is the minimum role to be told of it."""

    name: str
    title: Any
    sentence: Any
    icon: str
    describe: Callable[[Any], Facts]
    portal: str = Audience.ALL
    least: str = Role.VIEWER
    for_webhooks: bool = True
    colour: str = field(default="secondary")

    def render(self, words: dict[str, Any]) -> str:
        """The event as a sentence in the reader's language."""
        displayed = {key: shown(value) for key, value in words.items() if key == "message"}
        return str(self.sentence) % {**words, **displayed}


def absolute(path: str) -> str:
    return settings.SITE_URL + path


def _of_webhook(webhook) -> Facts:
    path = reverse("webhook-detail", args=[webhook.pk])
    words = {"name": webhook.name, "message": webhook.stopped_because}
    return Facts(words, path, webhook.created_by_id, {})


EVENTS: dict[str, Event] = {}
WEBHOOK_EVENTS: list[str] = []


def register(event: Event) -> None:
    """Register an event. Apps do so while they load, before the URLs are loaded."""
    EVENTS[event.name] = event
    if event.for_webhooks and event.name not in WEBHOOK_EVENTS:
        WEBHOOK_EVENTS.append(event.name)


register(
    Event(
        "webhook.stopped",
        _("A webhook was switched off"),
        _("The webhook %(name)s was switched off: %(message)s"),
        "exclamation-triangle-fill",
        _of_webhook,
        least=Role.ADMIN,
        for_webhooks=False,
        colour="warning",
    )
)
