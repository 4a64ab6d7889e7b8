"""One team's webhooks, however slow and many, hold up nobody else's."""

import base64
import threading

import pytest
from django.db import connections

from portal.core import broker
from portal.devices import tasks as device_tasks
from portal.notify import mails, tasks, webhooks
from portal.notify.models import Delivery, Mail, Notification
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def theirs(charlie, listener, loopback):
    """A webhook of another team."""
    team = charlie.memberships.get().team
    return webhooks.make(team, charlie, "Theirs", listener.url(path="/theirs"), ["run.failed"])[0]


def pending(webhook, count):
    return [Delivery.objects.create(webhook=webhook, event="test", body="{}") for _ in range(count)]


@pytest.fixture
def hanging(listener):
    """The listener does not answer until the event is set."""
    go_on, asked = threading.Event(), threading.Semaphore(0)

    def hang(handler):
        if handler.path == "/hook":
            asked.release()
            go_on.wait(60)

    listener.before = hang
    yield asked, go_on
    go_on.set()


def in_threads(calls):
    def work(call):
        try:
            call()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    return threads


def test_a_hanging_team_has_two_attempts_under_way_and_others_are_served(webhook, theirs, listener, hanging):
    asked, go_on = hanging
    mine, (other,) = pending(webhook, 24), pending(theirs, 1)
    threads = in_threads([lambda pk=row.pk: webhooks.deliver(pk) for row in mine[:8]])
    for _ in range(webhooks.SENDING_EACH):
        assert asked.acquire(timeout=60)
    webhooks.deliver(other.pk)
    other.refresh_from_db()
    assert other.state == "delivered"
    assert not asked.acquire(timeout=0.5), "no third one is under way"
    listener.before = None
    go_on.set()
    for thread in threads:
        thread.join(60)


def test_what_found_no_place_is_sent_by_whoever_has_one(webhook, listener):
    rows = pending(webhook, 5)
    webhooks.deliver(rows[0].pk)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    assert len(listener.calls) == 5


def test_a_sweep_sends_no_more_messages_for_a_team_than_it_has_places(webhook, theirs, monkeypatch):
    pending(webhook, 30), pending(theirs, 1)
    sent = []
    monkeypatch.setattr(broker, "send", lambda task, args=(), queue=None: sent.append(args[0]))
    webhooks.sweep()
    teams = Delivery.objects.filter(pk__in=sent).values_list("webhook__team", flat=True)
    assert sorted(teams).count(webhook.team_id) == webhooks.SENDING_EACH and theirs.team_id in teams


def test_tests_by_hand_are_throttled_for_the_whole_team(webhook, dora, client):
    client.force_login(dora)
    for _ in range(webhooks.BY_HAND_MOST):
        webhooks.order_test(webhook)
    with pytest.raises(webhooks.TooManyByHand):
        webhooks.order_again(Delivery.objects.first())
    before = Delivery.objects.count()
    page = client.post(f"/team/webhooks/{webhook.pk}/test/", follow=True)
    assert "within a minute" in page.content.decode() and page.status_code == 200
    client.logout()
    answer = client.post(
        f"/api/v1/webhooks/{webhook.pk}/test/",
        content_type="application/json",
        headers={"Authorization": basic("dora", dora)},
    )
    assert answer.status_code == 429 and int(answer["Retry-After"]) > 0
    assert "within a minute" in answer.json()["detail"]
    assert Delivery.objects.count() == before


def basic(name, user):
    user.set_password(PASSWORD)
    user.save()
    return "Basic " + base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()


def test_another_team_may_send_its_test_meanwhile(webhook, theirs):
    for _ in range(webhooks.BY_HAND_MOST):
        webhooks.order_test(webhook)
    webhooks.order_test(theirs)
    assert Delivery.objects.filter(webhook=theirs).exists()


def test_a_test_whose_message_was_lost_goes_out_even_while_the_webhook_is_off(webhook, listener, monkeypatch):
    webhooks.change(webhook, active=False)
    pending(webhook, 1)
    webhooks.sweep()
    assert Delivery.objects.get().state == "delivered"


def test_the_sweep_of_notices_waits_for_nobody(webhook, dora, monkeypatch):
    Notification.objects.create(user=dora, team=webhook.team, event="run.failed", mail=Mail.PENDING)
    sent = []
    monkeypatch.setattr(broker, "send", lambda task, args=(), queue=None: sent.append(task))
    tasks.sweep()
    assert sent == ["portal.notify.tasks.send_mails"]


def test_boards_that_do_not_answer_and_a_mail_server_that_hangs_hold_one_place_each(
    webhook, dora, monkeypatch
):
    go_on, started = threading.Event(), threading.Semaphore(0)

    def hang(*args, **kwargs):
        started.release()
        return bool(go_on.wait(60))

    monkeypatch.setattr(device_tasks.watching, "watch", hang)
    monkeypatch.setattr(mails, "_send", hang)
    Notification.objects.create(user=dora, team=webhook.team, event="run.failed", mail=Mail.PENDING)
    first = in_threads([device_tasks.watch, mails.send_pending])
    assert started.acquire(timeout=60) and started.acquire(timeout=60)
    device_tasks.watch()
    mails.send_pending()
    go_on.set()
    for thread in first:
        thread.join(60)
    assert not started.acquire(timeout=0.1)


def test_all_webhooks_together_leave_places_for_the_other_errands(settings):
    assert webhooks.SENDING + 4 <= settings.ERRANDS_SLOTS
