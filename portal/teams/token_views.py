"""The page of API tokens."""

from __future__ import annotations

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from portal.core import once
from portal.teams import tokens
from portal.teams.forms import TokenForm
from portal.teams.models import ApiToken
from workers.contract.messages import msg


def _tokens(request):
    """The person's tokens; for an administrator, those of everyone."""
    rows = ApiToken.objects.for_team(request.team).select_related("user")
    return rows if request.may_admin else rows.filter(user=request.user)


@never_cache
def token_list(request):
    """The tokens, and a form for a new one. Only the next page shows its secret."""
    form = TokenForm(request.POST or None)
    if form.is_bound and form.is_valid():
        made, secret = tokens.make(request.team, request.user, **form.cleaned_data)
        once.keep(request, "token-list", name=made.name, secret=secret)
        return redirect("token-list")
    rows = sorted(_tokens(request), key=lambda token: (token.state != "valid", -token.pk))
    context = {"rows": rows, "form": form, "made": once.take(request, "token-list")}
    return render(request, "teams/tokens.html", context, status=422 if form.errors else 200)


@require_POST
def token_revoke(request, pk):
    """Revoke a token."""
    token = get_object_or_404(_tokens(request), pk=pk)
    tokens.revoke(token)
    messages.success(request, msg("The token {name} is revoked: it opens nothing any more.", name=token.name))
    return redirect("token-list")
