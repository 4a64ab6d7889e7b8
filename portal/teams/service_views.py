"""The page of service accounts, for the administrators of the team."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Prefetch
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from portal.core import once
from portal.teams import service_accounts
from portal.teams.access import admin_required
from portal.teams.forms import ServiceForm, TokenForm
from portal.teams.models import ApiToken
from portal.teams.services import TeamError
from workers.contract.messages import msg


@admin_required
@never_cache
def service_list(request):
    """The accounts with their tokens, and a form for a new account."""
    form = ServiceForm(request.POST or None)
    if form.is_bound and form.is_valid():
        try:
            made = service_accounts.make(request.team, request.user, **form.cleaned_data)
        except TeamError as error:
            form.add_errors({"name": str(error)})
        else:
            messages.success(request, msg("{name} is made: create a token for it.", name=made.name))
            return redirect("service-account-detail", made.pk)
    valid = ApiToken.objects.filter(revoked_at=None, expires_at__gt=timezone.now())
    rows = service_accounts.of_team(request.team).prefetch_related(
        "user__memberships", Prefetch("user__tokens", valid, to_attr="valid_tokens")
    )
    context = {"rows": rows, "form": form}
    return render(request, "teams/service_accounts.html", context, status=422 if form.errors else 200)


@admin_required
@never_cache
def service_detail(request, pk):
    """One account: its tokens, and a form for a new one. Only the next page shows its secret."""
    account = get_object_or_404(service_accounts.of_team(request.team), pk=pk)
    form = TokenForm(request.POST or None)
    page = f"service-account-{account.pk}"
    if form.is_bound and form.is_valid():
        made, secret = service_accounts.make_token(account, **form.cleaned_data)
        once.keep(request, page, name=made.name, secret=secret)
        return redirect("service-account-detail", account.pk)
    tokens = sorted(account.user.tokens.all(), key=lambda token: (token.state != "valid", -token.pk))
    context = {
        "account": account,
        "membership": account.user.memberships.get(),
        "tokens": tokens,
        "form": form,
        "made": once.take(request, page),
    }
    return render(request, "teams/service_account.html", context, status=422 if form.errors else 200)


@require_POST
@admin_required
def service_end(request, pk):
    """End an account and its tokens."""
    account = get_object_or_404(service_accounts.of_team(request.team), pk=pk)
    service_accounts.end(account)
    messages.success(request, msg("{name} is ended: its tokens open nothing any more.", name=account.name))
    return redirect("service-account-list")
