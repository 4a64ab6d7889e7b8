"""Pages of a person's notices and notification settings."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.core.paging import page_of
from portal.notify import services
from portal.notify.events import EVENTS
from portal.notify.forms import ChoicesForm
from portal.notify.models import Notification
from portal.teams.models import RANK, Role


def _mine(request):
    return Notification.objects.shown_to(request.user, request.team)


def notification_list(request):
    """The person's notices in this team, newest first."""
    rows = _mine(request)
    unread_only = request.GET.get("unread") == "yes"
    page = page_of(rows.unread() if unread_only else rows, request)
    context = {
        "page": page,
        "rows": [(row, EVENTS.get(row.event)) for row in page],
        "unread": rows.unread().count(),
        "unread_only": unread_only,
    }
    return render(request, "notify/list.html", context)


@require_POST
def notification_open(request, pk):
    """Mark a notice as read and go to its page."""
    row = get_object_or_404(_mine(request), pk=pk)
    services.mark_read(Notification.objects.filter(pk=row.pk))
    return redirect(row.path or "notification-list")


@require_POST
def notification_read_all(request):
    """Mark all notices of this team as read."""
    services.mark_read(_mine(request))
    return redirect("notification-list")


def visible_choices(user, membership) -> dict[str, tuple[str, str]]:
    """The person's settings for the events that their role can see."""
    rank = RANK[Role(membership.role)]
    choices = services.choices_of(user)
    return {name: value for name, value in choices.items() if rank >= RANK[Role(EVENTS[name].least)]}


def notification_choices(request):
    """Notification settings."""
    choices = visible_choices(request.user, request.membership)
    form = ChoicesForm(choices, request.POST or None)
    if form.is_bound and form.is_valid():
        services.choose(request.user, form.chosen())
        messages.success(request, _("Saved. Applies to all of your teams."))
        return redirect("notification-choices")
    context = {
        "form": form,
        "has_mail": bool(settings.EMAIL_HOST),
        "has_address": bool(request.user.email),
    }
    return render(request, "notify/choices.html", context, status=422 if form.errors else 200)
