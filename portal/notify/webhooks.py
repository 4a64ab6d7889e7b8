"""Webhooks: made and changed, their deliveries ordered, signed, sent, tried again, given up."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
import time
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from kombu.exceptions import OperationalError

from portal.core.encryption import WrongKey, seal, unseal
from portal.notify import targets
from portal.notify.events import TEST
from portal.notify.models import Delivery, DeliveryState, Webhook
from portal.teams import audit

logger = logging.getLogger(__name__)
VERSION = 1  # of the body; a change that could break a reader makes it 2
BEGINS = "whsec_"
# Seconds until the next attempt after the first, second … one that went wrong: eight and a half hours in all.
BACKOFF = (30, 120, 600, 1800, 7200, 21600)
STOP_AFTER = 20  # attempts in a row that went wrong
LEASE = timedelta(seconds=120)  # a worker that died while it sent leaves the delivery to another after that
KEPT = timedelta(days=30)
AT_ONCE = 50


def make(team, user, name: str, url: str, events: list[str]) -> tuple[Webhook, str]:
    """A new webhook and its secret, which is shown this once. Raises BadTarget."""
    targets.check(url)
    secret = BEGINS + secrets.token_urlsafe(32)
    webhook = Webhook.objects.create(
        team=team, created_by=user, name=name, url=url, events=events, secret=seal({"secret": secret})
    )
    audit.record("webhook.create", webhook, detail=f"{url}: {', '.join(events)}")
    return webhook, secret


def change(webhook: Webhook, **fields) -> None:
    """Change name, url, events or active. Raises BadTarget. Switched on again, it starts without failures."""
    if fields.get("url", webhook.url) != webhook.url:
        targets.check(fields["url"])
    if fields.get("active") and not webhook.active:
        fields |= {"failures": 0, "stopped_because": ""}
    for name, value in fields.items():
        setattr(webhook, name, value)
    webhook.save(update_fields=list(fields))
    audit.record("webhook.edit", webhook, detail=f"changed: {', '.join(fields)}")


def new_secret(webhook: Webhook) -> str:
    """Another secret, shown this once; the old one signs nothing any more."""
    secret = BEGINS + secrets.token_urlsafe(32)
    webhook.secret = seal({"secret": secret})
    webhook.save(update_fields=["secret"])
    audit.record("webhook.secret", webhook)
    return secret


@transaction.atomic
def delete(webhook: Webhook) -> None:
    audit.record("webhook.delete", webhook)
    webhook.delete()


# --- ordering ----------------------------------------------------------------------------------


def order(event: str, team, data: dict) -> None:
    """Write a delivery for every webhook of the team that asked for this event."""
    for webhook in Webhook.objects.for_team(team).filter(active=True):
        if event in webhook.events:
            _order(webhook, event, data)


def order_test(webhook: Webhook) -> Delivery:
    """A delivery that tells of nothing; it goes out even while the webhook is switched off."""
    audit.record("webhook.test", webhook)
    return _order(webhook, TEST, {})


def order_again(delivery: Delivery) -> None:
    """Send a delivery once more, the same event under the same id."""
    Delivery.objects.filter(pk=delivery.pk).update(
        state=DeliveryState.PENDING, tries=0, next_at=timezone.now(), problem=""
    )
    audit.record("webhook.redeliver", delivery.webhook, detail=f"delivery {delivery.pk}")
    _wake(delivery.pk)


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
    from portal.notify.tasks import deliver

    def send() -> None:
        try:
            deliver.apply_async([pk], retry=False)
        except OperationalError:
            logger.warning("the broker did not take delivery %s; the next sweep sends it", pk)

    transaction.on_commit(send)


# --- sending -----------------------------------------------------------------------------------


def signature(secret: str, moment: int, body: bytes) -> str:
    """The value of the header ``Slipway-Signature``: ``t`` in seconds since the epoch, and ``v1``, the
    HMAC-SHA256 of ``t``, a full stop and the body, in hexadecimal digits."""
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={signed.hexdigest()}"


def deliver(pk: int) -> None:
    """Make one attempt. Before: pending and due. After: delivered, failed, or pending with a later time.

    A second call at the same time finds it leased and does nothing.
    """
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
    facts = {
        "status": answer.status,
        "milliseconds": answer.milliseconds,
        "answer": audit.clean(answer.text, 500),
    }
    if 200 <= answer.status < 300:
        Delivery.objects.filter(pk=pk).update(state=DeliveryState.DELIVERED, problem="", **facts)
        Webhook.objects.filter(pk=delivery.webhook_id).update(failures=0)
        return
    moved = ", a redirect, which is not followed" if 300 <= answer.status < 400 else ""
    _went_wrong(delivery, f"It answered with status {answer.status}{moved}.", **facts)


def _send(delivery: Delivery) -> targets.Answer:
    try:
        secret = unseal(delivery.webhook.secret)["secret"]
    except WrongKey:
        words = "Its secret cannot be read with this server's encryption key: make a new one."
        raise WrongKey(words) from None
    body, moment = delivery.body.encode(), int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"Slipway-Webhook/{VERSION}",
        "Slipway-Event": delivery.event,
        "Slipway-Delivery": str(delivery.uuid),
        "Slipway-Signature": signature(secret, moment, body),
    }
    return targets.post(delivery.webhook.url, body, headers)


def _went_wrong(delivery: Delivery, problem: str, **facts) -> None:
    facts = {"status": None, "milliseconds": None, "answer": "", **facts, "problem": problem[:300]}
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
    """Switch a webhook off that failed too often in a row, and tell the team's administrators once."""
    from portal.notify.services import emit

    words = f"{STOP_AFTER} attempts in a row went wrong, the last so: {problem}"[:300]
    with transaction.atomic():
        hopeless = Webhook.objects.filter(pk=webhook.pk, active=True, failures__gte=STOP_AFTER)
        if not hopeless.update(active=False, stopped_because=words):
            return
        webhook.refresh_from_db()
        audit.record("webhook.stop", webhook, detail=words)
        emit("webhook.stopped", webhook.team, webhook)


def sweep() -> None:
    """Before: deliveries that are due. After: each has had its attempt. Old ones are removed."""
    Delivery.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    for pk in Delivery.objects.due().order_by("next_at").values_list("pk", flat=True)[:AT_ONCE]:
        deliver(pk)
