"""What is sent to a webhook, how it is signed, and what happens when nobody takes it."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from portal.core.encryption import unseal
from portal.notify import services, webhooks
from portal.notify.models import Delivery, Notification, Webhook
from portal.teams.models import AuditEntry
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(team, alice):
    seed = Seeder(team, alice)
    return seed.run(seed.version(), message="It broke: mend it.")


def genuine(headers, body, secret):
    """As the README tells receivers to check."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(
        key, f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body, hashlib.sha256
    )
    wanted = "v1," + base64.b64encode(signed.digest()).decode()
    return hmac.compare_digest(wanted, headers["webhook-signature"])


def newest():
    return Delivery.objects.first()


def again(count=1):
    """Let time pass until the next attempt, and make it."""
    for _ in range(count):
        Delivery.objects.filter(state="pending").update(next_at=timezone.now())
        webhooks.sweep()


def test_an_event_arrives_signed(webhook, listener, run):
    services.emit("run.failed", run.team, run)
    ((path, headers, body),) = listener.calls
    assert path == "/hook" and genuine(headers, body, webhook.shown)
    assert not genuine(headers, body + b" ", webhook.shown)
    assert not genuine(headers, body, "whsec_YW5vdGhlcg==")
    told = json.loads(body)
    assert (told["version"], told["event"], told["team"]["name"]) == (1, "run.failed", "Harbour")
    assert told["data"]["run"]["id"] == run.pk and told["data"]["run"]["message"] == run.message
    assert told["data"]["run"]["url"] == f"http://127.0.0.1:8000/runs/{run.pk}/"
    assert headers["Slipway-Event"] == "run.failed" and headers["webhook-id"] == told["id"]
    row = newest()
    assert (row.state, row.status, row.attempts, row.answer) == ("delivered", 200, 1, "thanks")


def test_only_events_that_were_asked_for_are_sent_and_only_to_the_team(webhook, listener, run, charlie):
    webhooks.change(webhook, events=["device.lost"])
    services.emit("run.failed", run.team, run)
    services.emit("device.lost", charlie.memberships.get().team, Seeder(run.team, charlie).device())
    assert listener.calls == [] and not Delivery.objects.exists()


def test_a_failure_is_tried_again_later_and_later_then_given_up(webhook, listener, run):
    listener.status = 500
    services.emit("run.failed", run.team, run)
    for wait in webhooks.BACKOFF:
        row = newest()
        assert row.state == "pending" and row.problem == "It answered with status 500."
        assert row.next_at - timezone.now() == pytest.approx(
            timedelta(seconds=wait), abs=timedelta(seconds=20)
        )
        webhooks.sweep()
        assert newest().attempts == row.attempts, "not before its time"
        again()
    row = newest()
    assert (row.state, row.attempts) == ("failed", len(webhooks.BACKOFF) + 1)
    assert sum(webhooks.BACKOFF) > 8 * 3600
    ids = {headers["webhook-id"] for _, headers, _ in listener.calls}
    assert len(ids) == 1 and len(listener.calls) == len(webhooks.BACKOFF) + 1


def test_one_that_is_taken_in_the_end_counts_as_delivered(webhook, listener, run):
    listener.status = 503
    services.emit("run.failed", run.team, run)
    listener.status = 204
    again()
    row = newest()
    assert (row.state, row.attempts, row.problem) == ("delivered", 2, "")
    webhook.refresh_from_db()
    assert webhook.failures == 0


def test_a_redirect_is_a_failure_and_says_so(webhook, listener, run):
    listener.status = 301
    services.emit("run.failed", run.team, run)
    assert newest().problem == "It answered with status 301, a redirect, which is not followed."


def test_a_delivery_that_another_worker_sends_is_left_alone(webhook, listener, run, monkeypatch):
    seen = []

    def second_worker(*args):
        webhooks.deliver(newest().pk)
        seen.append(newest().attempts)
        return webhooks.targets.Answer(200, 1, "")

    monkeypatch.setattr(webhooks, "_send", second_worker)
    services.emit("run.failed", run.team, run)
    assert seen == [1]


def test_a_webhook_that_fails_too_often_is_switched_off_and_administrators_are_told_once(
    webhook, listener, run, dora
):
    listener.status = 500
    for _ in range(3):
        services.emit("run.failed", run.team, run)
    again(len(webhooks.BACKOFF))
    webhook.refresh_from_db()
    assert not webhook.active and webhook.failures >= webhooks.STOP_AFTER
    assert "20 attempts in a row went wrong" in webhook.stopped_because
    (notice,) = Notification.objects.filter(event="webhook.stopped")
    assert notice.user == dora, "Alice and Bob do not administer"
    assert AuditEntry.objects.filter(verb="webhook.stop").count() == 1
    calls = len(listener.calls)
    services.emit("run.failed", run.team, run)
    again()
    assert len(listener.calls) == calls
    webhooks.change(webhook, active=True)
    assert (webhook.failures, webhook.stopped_because) == (0, "")


def test_a_test_is_sent_once_even_while_it_is_off_and_counts_no_failure(webhook, listener):
    webhooks.change(webhook, active=False)
    webhooks.order_test(webhook)
    assert listener.bodies()[0]["event"] == "test" and newest().state == "delivered"
    listener.status = 500
    webhooks.order_test(webhook)
    again(3)
    assert newest().state == "failed" and len(listener.calls) == 2
    webhook.refresh_from_db()
    assert webhook.failures == 0


def test_the_same_delivery_can_be_sent_again(webhook, listener, run):
    services.emit("run.failed", run.team, run)
    webhooks.order_again(newest())
    first, second = (body for _, _, body in listener.calls)
    assert first == second and newest().attempts == 2


def test_the_secret_is_kept_encrypted_and_a_new_one_replaces_it(webhook, listener, run):
    row = Webhook.objects.get()
    assert webhook.shown not in row.secret and unseal(row.secret)["secret"] == webhook.shown
    other = webhooks.new_secret(row)
    services.emit("run.failed", run.team, run)
    ((_, headers, body),) = listener.calls
    assert genuine(headers, body, other) and not genuine(headers, body, webhook.shown)


def test_another_encryption_key_is_told_in_the_log(webhook, listener, run, settings):
    settings.ENCRYPTION_KEY = Fernet.generate_key().decode()
    services.emit("run.failed", run.team, run)
    assert "make a new one" in newest().problem and listener.calls == []


def test_an_address_that_turned_private_is_not_called(webhook, listener, run, settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    services.emit("run.failed", run.team, run)
    assert "is not a public one" in newest().problem and listener.calls == []


def test_a_broken_description_breaks_nothing(webhook, run, caplog):
    services.emit("run.failed", run.team, object())
    services.emit("no.such.event", run.team, run)
    assert not Delivery.objects.exists() and "nobody was told of run.failed" in caplog.text


def test_old_deliveries_are_removed(webhook, run):
    services.emit("run.failed", run.team, run)
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=31))
    webhooks.sweep()
    assert not Delivery.objects.exists()
