"""Pages of a team's webhooks, for its administrators."""

from __future__ import annotations

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from portal.core import once
from portal.core.messages import shown
from portal.core.paging import page_of
from portal.notify import targets, webhooks
from portal.notify.forms import WebhookForm
from portal.notify.models import Webhook
from portal.teams.access import admin_required, refuse_unless
from portal.teams.models import Role


def _webhook(request, pk: int) -> Webhook:
    found = get_object_or_404(Webhook.objects.for_team(request.team).select_related("created_by"), pk=pk)
    refuse_unless(request, Role.ADMIN)
    return found


@admin_required
def webhook_list(request):
    """The team's webhooks, and a form for a new one."""
    form = WebhookForm(request.POST or None)
    if form.is_bound and form.is_valid():
        try:
            made, secret = webhooks.make(request.team, request.user, **form.cleaned_data)
        except targets.BadTarget as error:
            form.add_errors({"url": str(error)})
        else:
            once.keep(request, f"webhook-{made.pk}", secret=secret)
            return redirect("webhook-detail", pk=made.pk)
    context = {"rows": Webhook.objects.for_team(request.team).select_related("created_by"), "form": form}
    return render(request, "notify/webhooks.html", context, status=422 if form.errors else 200)


@never_cache
def webhook_detail(request, pk):
    """One webhook: its URL and events, and its deliveries."""
    webhook = _webhook(request, pk)
    initial = {"name": webhook.name, "url": webhook.url, "events": webhook.events}
    form = WebhookForm(request.POST or None, initial=initial)
    if form.is_bound and form.is_valid():
        try:
            webhooks.change(webhook, **form.cleaned_data)
        except targets.BadTarget as error:
            form.add_errors({"url": str(error)})
        else:
            messages.success(request, _("The webhook is changed."))
            return redirect("webhook-detail", pk=pk)
    context = {
        "webhook": webhook,
        "form": form,
        "made": once.take(request, f"webhook-{pk}"),
        "page": page_of(webhook.deliveries.all(), request, size=20),
        "stop_after": webhooks.STOP_AFTER,
    }
    return render(request, "notify/webhook.html", context, status=422 if form.errors else 200)


@require_POST
def webhook_switch(request, pk):
    """Enable or disable a webhook."""
    webhook = _webhook(request, pk)
    webhooks.change(webhook, active=not webhook.active)
    said = _("The webhook is switched on.") if webhook.active else _("The webhook is switched off.")
    messages.success(request, said)
    return redirect("webhook-detail", pk=pk)


@require_POST
def webhook_test(request, pk):
    """Send a test event."""
    webhook = _webhook(request, pk)
    try:
        webhooks.order_test(webhook)
    except webhooks.TooManyByHand as error:
        messages.error(request, shown(error))
    else:
        messages.info(request, _("A test call is being sent: reload the page to see the result."))
    return redirect("webhook-detail", pk=pk)


@require_POST
def webhook_secret(request, pk):
    """Generate a new secret. Only the next page shows it."""
    webhook = _webhook(request, pk)
    once.keep(request, f"webhook-{pk}", secret=webhooks.new_secret(webhook))
    return redirect("webhook-detail", pk=pk)


def webhook_delete(request, pk):
    """Ask for confirmation, then remove a webhook and its log."""
    webhook = _webhook(request, pk)
    if request.method == "POST":
        webhooks.delete(webhook)
        messages.success(request, _("The webhook %(name)s is removed.") % {"name": webhook.name})
        return redirect("webhook-list")
    return render(request, "notify/webhook_delete.html", {"webhook": webhook})


@require_POST
def webhook_redeliver(request, pk, number):
    """Send a delivery again."""
    webhook = _webhook(request, pk)
    try:
        webhooks.order_again(get_object_or_404(webhook.deliveries, pk=number))
    except webhooks.TooManyByHand as error:
        messages.error(request, shown(error))
    else:
        messages.info(request, _("It is being sent again: reload the page to see the result."))
    return redirect("webhook-detail", pk=pk)
