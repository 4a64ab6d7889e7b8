"""The bell of every page, and an event as a sentence."""

from __future__ import annotations

from django import template

from portal.notify.events import EVENTS
from portal.notify.models import Notification

register = template.Library()


@register.inclusion_tag("notify/_bell.html", takes_context=True)
def bell(context):
    """How many notices of the person's current team are unread."""
    request = context["request"]
    match = request.resolver_match
    return {
        "count": Notification.objects.shown_to(request.user, request.team).unread().count(),
        "current": bool(match and match.url_name == "notification-list"),
    }


@register.simple_tag
def notice(row):
    """The sentence of a notice, in the reader's language, with HTML escaped."""
    event = EVENTS.get(row.event)
    return event.render(row.facts) if event else row.event
