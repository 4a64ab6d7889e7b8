"""Webhooks: create, change, order, sign, send, retry and give up deliveries."""

from __future__ import annotations

import json
import math
import time
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from rest_framework.exceptions import APIException, Throttled

from portal.core import broker
from portal.core.encryption import WrongKey
from portal.core.messages import shown
from portal.core.slots import Slots
from portal.notify import notices, signing, targets
from portal.notify.events import EVENTS
from portal.notify.models import TEST, Delivery, DeliveryState, Webhook
from portal.teams import audit
from portal.teams.models import AuditEntry, Result, Team
from workers.contract.messages import msg

VERSION = 1  # of the body; an incompatible change makes it 2
# Seconds until the next attempt after the first, second … failure: eight and a half hours in all.
BACKOFF = (30, 120, 600, 1800, 7200, 21600)
STOP_AFTER = 20  # consecutive failed attempts
LEASE = timedelta(seconds=120)  # after that, another worker takes over from one that died while sending
KEPT = timedelta(days=30)
AT_ONCE = 50  # teams in one sweep
DELIVER = "portal.notify.tasks.deliver"
# Concurrent attempts in one process, of all teams and of each: a hanging target takes 15 seconds.
SENDING, SENDING_EACH = 6, 2
IN_A_ROW = 20
_sending = Slots(SENDING, SENDING_EACH)
# Tests and repeated deliveries that a team may order.
BY_HAND = ("webhook.test", "webhook.redeliver")
BY_HAND_MOST, BY_HAND_WITHIN = 6, timedelta(seconds=60)


class TooManyByHand(Throttled):
    """The team ordered too many deliveries by hand; the message says how long to wait."""

    def __init__(self, wait: int):
        sentence = msg(
            "Your team sent {most} tests or repeated deliveries within a minute: "
            "wait {wait} s, then send the next.",
            most=BY_HAND_MOST,
            wait=wait,
        )
        APIException.__init__(self, shown(sentence))
        self.wait = wait


def make(team, user, name: str, url: str, events: list[str]) -> tuple[Webhook, str]:
    """Create a webhook; return it with its secret, which is shown only once. Raises BadTarget."""
    targets.check(url)
    secret = signing.new_secret()
    webhook = Webhook.objects.create(
        team=team, created_by=user, name=name, url=url, events=events, secret=signing.sealed(secret)
    )
    audit.record("webhook.create", webhook, detail=f"{url}: {', '.join(events)}")
    return webhook, secret


def change(webhook: Webhook, **fields) -> None:
    """Change name, url, events or active. Raises BadTarget. Enabling it resets its failures."""
    if fields.get("url", webhook.url) != webhook.url:
        targets.check(fields["url"])
    if fields.get("active") and not webhook.active:
        fields |= {"failures": 0, "stopped_because": ""}
    for name, value in fields.items():
        setattr(webhook, name, value)
    webhook.save(update_fields=list(fields))
    audit.record("webhook.edit", webhook, detail=msg("changed: {fields}", fields=", ".join(fields)))


def new_secret(webhook: Webhook) -> str:
    """Generate a new secret, shown only once. The old one stops working."""
    secret = signing.new_secret()
    webhook.secret = signing.sealed(secret)
    webhook.save(update_fields=["secret"])
    audit.record("webhook.secret", webhook)
    return secret


@transaction.atomic
def delete(webhook: Webhook) -> None:
    audit.record("webhook.delete", webhook)
    webhook.delete()


# --- ordering ----------------------------------------------------------------------------------


def order(event: str, team, data: dict) -> None:
    """Create a delivery for each webhook of the team that subscribes to this event."""
    for webhook in Webhook.objects.for_team(team).filter(active=True):
        if event in webhook.events:
            _order(webhook, event, data)


@transaction.atomic
def order_test(webhook: Webhook) -> Delivery:
    """Order a test delivery; it is sent even while the webhook is disabled.

    Raises TooManyByHand.
    """
    _refuse_too_many(webhook.team_id)
    audit.record("webhook.test", webhook)
    return _order(webhook, TEST, {})


@transaction.atomic
def order_again(delivery: Delivery) -> None:
    """Order a delivery again: the same event with the same id. Raises TooManyByHand."""
    _refuse_too_many(delivery.webhook.team_id)
    Delivery.objects.filter(pk=delivery.pk).update(
        state=DeliveryState.PENDING, tries=0, next_at=timezone.now(), problem=""
    )
    audit.record("webhook.redeliver", delivery.webhook, detail=msg("delivery {pk}", pk=delivery.pk))
    _wake(delivery.pk)


def _refuse_too_many(team_id: int) -> None:
    """Bound the deliveries that a team's people order by hand, however many ask at once."""
    Team.objects.select_for_update(no_key=True).get(pk=team_id)
    now = timezone.now()
    orders = AuditEntry.objects.filter(
        verb__in=BY_HAND, team=team_id, result=Result.DONE, at__gt=now - BY_HAND_WITHIN
    )
    newest = list(orders.order_by("-at").values_list("at", flat=True)[:BY_HAND_MOST])
    if len(newest) == BY_HAND_MOST:
        raise TooManyByHand(math.ceil((newest[-1] + BY_HAND_WITHIN - now).total_seconds()))


def _order(webhook: Webhook, event: str, data: dict) -> Delivery:
    delivery = Delivery(webhook=webhook, event=event)
    body = {
        "version": VERSION,
        "id": str(delivery.uuid),
        "event": event,
        "created_at": delivery.created_at.isoformat(),
        "team": {"id": webhook.team_id, "name": webhook.team.name},
        "data": data,
    }
    delivery.body = json.dumps(body, ensure_ascii=False)
    delivery.save()
    _wake(delivery.pk)
    return delivery


def _wake(pk: int) -> None:
    broker.send_on_commit(DELIVER, [pk])


# --- sending -----------------------------------------------------------------------------------


def deliver(pk: int) -> None:
    """Make one attempt, then those that the team has waiting.

    Before: due. After: delivered, failed, or pending with a later time. A team has at most SENDING_EACH
    concurrent attempts in a process, all teams together SENDING. What finds no slot stays due for another
    worker.
    """
    team = Delivery.objects.filter(pk=pk).values_list("webhook__team", flat=True).first()
    with _sending.take(team) as got:
        if not got:
            return
        _attempt(pk)
        for other in _due_of(team)[:IN_A_ROW]:
            _attempt(other)


def _due_of(team_id: int | None):
    return (
        Delivery.objects.due().filter(webhook__team=team_id).order_by("next_at").values_list("pk", flat=True)
    )


def _attempt(pk: int) -> None:
    """A concurrent second call finds the delivery leased and does nothing."""
    delivery = Delivery.objects.select_related("webhook__team").filter(pk=pk).first()
    now = timezone.now()
    if delivery is None or delivery.state != DeliveryState.PENDING or delivery.next_at > now:
        return
    if not delivery.webhook.active and delivery.event != TEST:
        return
    mine = Delivery.objects.filter(pk=pk, state=DeliveryState.PENDING, next_at=delivery.next_at)
    if not mine.update(next_at=now + LEASE, tries=F("tries") + 1, attempts=F("attempts") + 1, tried_at=now):
        return
    delivery.tries += 1
    try:
        answer = _send(delivery)
    except (targets.BadTarget, targets.NoAnswer, WrongKey) as error:
        _went_wrong(delivery, str(error))
        return
    _note(delivery, answer)


def _note(delivery: Delivery, answer: targets.Answer) -> None:
    facts = {
        "status": answer.status,
        "milliseconds": answer.milliseconds,
        "answer": audit.clean(answer.text, 500),
    }
    if 200 <= answer.status < 300:
        Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.DELIVERED, problem="", **facts)
        Webhook.objects.filter(pk=delivery.webhook_id).update(failures=0)
        return
    if 300 <= answer.status < 400:
        problem = msg(
            "It answered with status {status}, a redirect, which is not followed.", status=answer.status
        )
    else:
        problem = msg("It answered with status {status}.", status=answer.status)
    _went_wrong(delivery, problem, **facts)


def _send(delivery: Delivery) -> targets.Answer:
    """Raises WrongKey, BadTarget or NoAnswer."""
    body = delivery.body.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"Slipway-Webhook/{VERSION}",
        "Slipway-Event": delivery.event,
        **signing.headers(delivery.webhook.secret, str(delivery.uuid), int(time.time()), body),
    }
    return targets.post(delivery.webhook.url, body, headers)


def _went_wrong(delivery: Delivery, problem: str, **facts) -> None:
    facts = {"status": None, "milliseconds": None, "answer": "", **facts, "problem": problem}
    if delivery.event == TEST or delivery.tries > len(BACKOFF):
        facts["state"] = DeliveryState.FAILED
    else:
        facts["next_at"] = timezone.now() + timedelta(seconds=BACKOFF[delivery.tries - 1])
    Delivery.objects.filter(pk=delivery.pk).update(**facts)
    if delivery.event == TEST:
        return
    Webhook.objects.filter(pk=delivery.webhook_id).update(failures=F("failures") + 1)
    _stop_if_hopeless(delivery.webhook, problem)


def _stop_if_hopeless(webhook: Webhook, problem: str) -> None:
    """Disable a webhook after too many consecutive failures, and tell the team's administrators once."""
    words = msg(
        "{most} attempts in a row went wrong, the last so: {problem}", most=STOP_AFTER, problem=problem
    )
    with transaction.atomic():
        hopeless = Webhook.objects.filter(pk=webhook.pk, active=True, failures__gte=STOP_AFTER)
        if not hopeless.update(active=False, stopped_because=words):
            return
        webhook.refresh_from_db()
        audit.record("webhook.stop", webhook, detail=words)
        notices.notify_members(EVENTS["webhook.stopped"], webhook.team, webhook)


def sweep() -> None:
    """Before: due deliveries without a message. After: each team's oldest have one. Old deliveries are
    removed.
    """
    Delivery.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    teams = Delivery.objects.due().order_by().values_list("webhook__team", flat=True).distinct()
    for team in list(teams[:AT_ONCE]):
        for pk in _due_of(team)[:SENDING_EACH]:
            broker.send(DELIVER, [pk])
