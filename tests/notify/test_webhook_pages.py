"""The pages and endpoints of webhooks."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.notify import services
from portal.notify.models import Delivery, Webhook
from portal.teams.models import AuditEntry
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin(client, dora):
    client.force_login(dora)
    return client


def text(client, url):
    return " ".join(client.get(url).content.decode().split())


def test_a_webhook_is_made_and_its_secret_shown_once(admin, listener, loopback):
    data = {"name": "Chat", "url": listener.url(), "events": ["run.failed", "device.lost"]}
    page = admin.post(reverse("webhook-list"), data, follow=True).content.decode()
    assert "whsec_" in page
    webhook = Webhook.objects.get()
    assert webhook.events == ["run.failed", "device.lost"]
    assert "whsec_" not in text(admin, reverse("webhook-detail", args=[webhook.pk]))
    assert AuditEntry.objects.filter(verb="webhook.create").exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("url", "http://127.0.0.1/", "which is not a public one"),
        ("url", "javascript:alert(1)", "must begin with https://"),
        ("events", [], "Choose at least one"),
        ("events", ["moon.full"], "moon.full"),
        ("name", "", "This field is required"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field_and_the_rest_is_kept(admin, field, value, words, settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    data = {"name": "Keep me", "url": "https://1.1.1.1/keep", "events": ["run.failed"]} | {field: value}
    answer = admin.post(reverse("webhook-list"), data)
    page = answer.content.decode()
    assert answer.status_code == 422 and words in page and ("Keep me" in page or field == "name")
    assert not Webhook.objects.exists()


def test_the_log_shows_what_came_back_and_sends_again(admin, webhook, listener, team, alice):
    listener.status, listener.body = 500, b"<b>out of order</b>"
    seed = Seeder(team, alice)
    services.emit("run.failed", team, seed.run(seed.version()))
    url = reverse("webhook-detail", args=[webhook.pk])
    page = text(admin, url)
    assert "It answered with status 500." in page and "&lt;b&gt;out of order" in page
    listener.status = 200
    row = Delivery.objects.get()
    admin.post(reverse("webhook-redeliver", args=[webhook.pk, row.pk]))
    assert "Delivered" in text(admin, url)


def test_it_is_tested_switched_changed_and_removed(admin, webhook, listener):
    def post(name, data=None):
        return admin.post(reverse(name, args=[webhook.pk]), data or {}, follow=True).content.decode()

    post("webhook-test")
    assert listener.bodies()[0]["event"] == "test"
    post("webhook-switch")
    webhook.refresh_from_db()
    assert not webhook.active
    assert "whsec_" in post("webhook-secret")
    post("webhook-detail", {"name": "Line 2", "url": listener.url(path="/x"), "events": ["device.lost"]})
    webhook.refresh_from_db()
    assert (webhook.name, webhook.events) == ("Line 2", ["device.lost"])
    assert "Remove the webhook Line 2?" in text(admin, reverse("webhook-delete", args=[webhook.pk]))
    post("webhook-delete")
    assert not Webhook.objects.exists()


def test_the_endpoints_do_the_same(dora, alice, listener, loopback, charlie):
    client = APIClient()
    client.force_authenticate(dora)
    body = {"name": "Chat", "url": listener.url(), "events": ["run.failed", "run.failed"]}
    made = client.post("/api/v1/webhooks/", body, format="json").json()
    assert made["secret"].startswith("whsec_") and made["events"] == ["run.failed"]
    address = f"/api/v1/webhooks/{made['id']}/"
    assert "secret" not in client.get(address).json()
    assert client.post(f"{address}test/").status_code == 202
    (row,) = client.get(f"{address}deliveries/").json()["results"]
    assert (row["state"], row["status"]) == ("delivered", 200)
    assert client.post(row["again"]).status_code == 202 and len(listener.calls) == 2
    changed = client.patch(address, {"active": False}, format="json").json()
    assert changed["active"] is False and changed["name"] == "Chat"
    assert client.post(f"{address}secret/").json()["secret"] != made["secret"]
    private = client.patch(address, {"url": "http://10.0.0.1/"}, format="json")
    assert private.status_code == 400 and "not a public one" in private.json()["errors"]["url"][0]
    client.force_authenticate(charlie)
    assert client.get(address).status_code == 404 and client.post(row["again"]).status_code == 404
    client.force_authenticate(alice)
    assert client.get("/api/v1/webhooks/").status_code == 403
    client.force_authenticate(dora)
    assert client.delete(address).status_code == 204 and not Webhook.objects.exists()
