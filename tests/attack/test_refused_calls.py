"""Refused calls: limited as others, and a few entries of the audit at most."""

import time
from collections import Counter

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from portal.core import ratelimit
from portal.teams import repeats, services, tokens
from portal.teams.models import AuditEntry, Result, Role
from tests.attack.accounts import with_password


@pytest.fixture
def few_calls(settings, monkeypatch):
    """Ten calls a minute, counted in this process from nothing."""
    settings.API_CALLS_PER_MINUTE = 10
    monkeypatch.setattr(ratelimit, "_away_until", time.monotonic() + 3600)
    monkeypatch.setattr(ratelimit, "_alone", Counter())
    monkeypatch.setattr(time, "time", lambda: 1_800_000_017.5)  # 17.5 s into a minute


def refused_rows():
    return AuditEntry.objects.filter(result=Result.REFUSED)


def test_refused_calls_share_an_entry(team, bob):
    _, secret = tokens.make(team, bob, "Reader", ["read"], 1)
    client = APIClient(headers={"Authorization": f"Bearer {secret}"})
    for number in range(30):
        assert client.post(f"/api/v1/runs/{number}/cancel/").status_code == 403
    row = refused_rows().get()
    assert (row.object_label, row.times) == ("POST /api/v1/runs/0/cancel/", 30)
    client.post("/api/v1/runs/", {}, format="json")
    assert refused_rows().count() == 2


def test_refused_pages_share_an_entry(client, bob):
    client.force_login(bob)
    for _ in range(30):
        assert client.get(reverse("dataset-new")).status_code == 403
    assert refused_rows().get().times == 30


def test_no_invention_of_addresses_fills_the_audit(team, bob):
    _, secret = tokens.make(team, bob, "Reader", ["read"], 1)
    client = APIClient(headers={"Authorization": f"Bearer {secret}"})
    row = refused_rows()
    for number in range(60):
        client.post(f"/api/v1/jobs/{number}/files/{'x' * (number % 19)}-{number % 40}.txt")
        client.put(f"/api/v1/runs/{number}/")
        client.post("/api/v1/runs/" if number % 2 else "/api/v1/webhooks/", {}, format="json")
    assert row.count() <= repeats.KINDS_TOGETHER + 1


def test_the_api_and_the_page_of_the_audit_tell_how_often(client, dora, bob, team):
    client.force_login(bob)
    for _ in range(3):
        client.get(reverse("dataset-new"))
    client.force_login(dora)
    assert "×3" in client.get(reverse("audit-list")).content.decode()
    export = b"".join(client.get(reverse("audit-csv")).streaming_content).decode()
    assert export.splitlines()[0].endswith(",times") and any(x.endswith(",3") for x in export.splitlines())
    rows = with_password("dora").get("/api/v1/audit/", {"result": "refused"}).json()["results"]
    assert [row["times"] for row in rows] == [3]


def test_refused_calls_of_a_token_are_limited(team, bob, few_calls):
    _, secret = tokens.make(team, bob, "Reader", ["read"], 1)
    client = APIClient(headers={"Authorization": f"Bearer {secret}"})
    statuses = [client.post("/api/v1/runs/", {}, format="json").status_code for _ in range(15)]
    assert statuses == [403] * 10 + [429] * 5
    assert int(client.post("/api/v1/runs/")["Retry-After"]) == 49
    assert client.get("/api/v1/runs/").status_code == 429
    assert AuditEntry.objects.exclude(verb="token.create").count() == 1


def test_calls_that_nobody_is_known_for_are_limited_by_network(db, few_calls):
    def status(number, secret="slw_nonsense"):
        client = APIClient(REMOTE_ADDR=f"2001:db8:1:2::{number}")
        return client.get("/api/v1/runs/", headers={"Authorization": f"Bearer {secret}"}).status_code

    assert [status(number) for number in range(15)] == [401] * 10 + [429] * 5
    assert AuditEntry.objects.count() == 1


def test_refused_pages_are_limited(client, bob, few_calls):
    client.force_login(bob)
    statuses = [client.get(reverse("dataset-new")).status_code for _ in range(15)]
    assert statuses == [403] * 10 + [429] * 5
    assert int(client.get(reverse("dataset-new"))["Retry-After"]) == 49
    assert client.get(reverse("dataset-list")).status_code == 200


def test_an_allowed_call_above_the_limit_leaves_one_entry(team, alice, few_calls):
    _, secret = tokens.make(team, alice, "Reader", ["read"], 1)
    client = APIClient(headers={"Authorization": f"Bearer {secret}"})
    for _ in range(30):
        client.get("/api/v1/runs/")
    rows = AuditEntry.objects.exclude(verb="token.create")
    assert rows.filter(verb="api.call").count() == 10
    assert rows.get(verb="access").detail.startswith("Too many calls")


def test_no_secret_of_an_address_stands_in_the_audit(team, bob, dora):
    _, path = services.invite(team, dora, Role.VIEWER, 7)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(bob)
    assert browser.post(path).status_code == 403
    assert refused_rows().get().object_label == "POST /invitations/***/"
