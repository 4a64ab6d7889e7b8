"""The page of a team's limits: usage, limits, and who set them."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from portal.core.templatetags.slipway import bytesize
from portal.teams import quota_usage, quotas
from portal.teams.access import refuse_unless
from portal.teams.forms import QuotaForm
from portal.teams.models import Quota, Role


@dataclass
class Line:
    """One row of the table of limits, all as text."""

    words: str
    used: str
    most: str
    is_reached: bool


def team_limits(request):
    """Usage and limits of the team. A POST sets one administrator's limits."""
    by = request.POST.get("by", Quota.By.TEAM)
    forms = {setter: QuotaForm(request.team, setter) for setter in Quota.By.values}
    if request.method == "POST" and by in forms:
        refuse_unless(request, Role.ADMIN)
        if by == Quota.By.SERVER and not request.user.is_superuser:
            raise PermissionDenied(_("Only an administrator of this server may set what the server allows."))
        form = forms[by] = QuotaForm(request.team, by, request.POST)
        if form.is_valid():
            quotas.set_quota(request.team, by, form.cleaned_data)
            messages.success(
                request, _("The limits are set. Running jobs continue; waiting jobs follow them.")
            )
            return redirect("team-limits")
    stored = quota_usage.storage_of(request.team)
    parts = [(part.title, stored[part.name]) for part in quota_usage.storage_parts()]
    context = {"lines": _lines(request.team, sum(stored.values())), "parts": parts, "forms": forms}
    status = 422 if any(form.errors for form in forms.values()) else 200
    return render(request, "teams/limits.html", context, status=status)


def _lines(team, stored_bytes: int) -> list[Line]:
    limits, counts = quotas.limits(team), quota_usage.jobs_of(team)
    labels = QuotaForm.LABELS
    lines = [
        _line(labels[f"running_{queue}"], counts.running.get(queue, 0), limits.running[queue])
        for queue in quotas.QUEUES
    ]
    lines.append(_line(labels["queued"], counts.queued, limits.queued))
    stored = _line(_("Storage"), stored_bytes, limits.storage)
    stored.used = bytesize(stored_bytes)
    stored.most = stored.most if limits.storage is None else bytesize(limits.storage)
    return [*lines, stored]


def _line(words: str, used: int, most: int | None) -> Line:
    shown = _("no limit") if most is None else str(most)
    return Line(words, str(used), shown, most is not None and used >= most)
