"""The page of a team's deployment policies."""

from __future__ import annotations

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from portal.deployment import policies
from portal.deployment.forms import PolicyForm
from portal.deployment.models import Policy
from portal.teams.access import refuse_unless
from portal.teams.models import Role
from workers.contract.messages import msg


def policy_list(request):
    """What a compiled model must reach before it is deployed, and how the team's models do."""
    form = PolicyForm(request.POST or None)
    if request.method == "POST":
        refuse_unless(request, Role.ADMIN)
        if form.is_valid():
            policies.put(request.team, request.user, **form.policy)
            messages.success(request, msg("The policy is set. It applies to every deployment from now on."))
            return redirect("policy-list")
    rows = policies.standings(request.team, Policy.objects.for_team(request.team))
    lines = [(row, policies.title(row.policy), policies.words(row.policy)) for row in rows]
    context = {"lines": lines, "form": form}
    return render(request, "deployment/policies.html", context, status=422 if form.errors else 200)


@require_POST
def policy_remove(request, pk):
    """Remove a policy; models for it are deployed without these limits."""
    policy = get_object_or_404(Policy.objects.for_team(request.team), pk=pk)
    refuse_unless(request, Role.ADMIN)
    policies.remove(policy, request.user)
    messages.success(request, msg("The policy is removed."))
    return redirect("policy-list")
