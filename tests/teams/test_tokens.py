"""API tokens: what they open, what they do not, and what the refusal says."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from portal.teams import tokens
from portal.teams.models import ApiToken, Membership, Role, Team
from tests.factories import class_zip

RUNS = "/api/v1/runs/"


def bearer(secret):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def test_a_token_is_shown_once_and_kept_as_a_hash_only(client, alice):
    client.force_login(alice)
    fields = {"name": "Nightly", "scopes": ["read", "runs"], "days": "30"}
    text = client.post(reverse("token-list"), fields, follow=True).content.decode()
    token = ApiToken.objects.get()
    secret = text.split('value="slw_')[1].split('"')[0]
    assert len(secret) == 43
    assert token.prefix == f"slw_{secret}"[:12]
    assert secret not in client.get(reverse("token-list")).content.decode()
    assert secret not in str(ApiToken.objects.values().get())
    assert bearer(f"slw_{secret}").get(RUNS).status_code == 200


def test_a_wrong_expired_or_revoked_token_is_401_with_its_reason(with_token, alice, team):
    wrong = bearer("slw_" + "x" * 43).get(RUNS)
    expired = with_token(alice, team)
    ApiToken.objects.filter(pk=expired.made.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    revoked = with_token(alice, team)
    tokens.revoke(revoked.made)
    for answer, words in (
        (wrong, "not known"),
        (expired.get(RUNS), "expired"),
        (revoked.get(RUNS), "revoked"),
    ):
        assert answer.status_code == 401
        assert words in answer.json()["detail"]
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["WWW-Authenticate"] == 'Bearer realm="Slipway", error="invalid_token"'


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "bearer x y", "Bearer \x00", "Bearer ключ"])
def test_a_mangled_header_is_401(db, header):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=header)
    assert client.get(RUNS).status_code == 401


def test_without_anything_the_challenge_names_both_ways(db):
    assert APIClient().get(RUNS)["WWW-Authenticate"] == 'Bearer realm="Slipway", Basic realm="Slipway"'


def test_a_missing_scope_is_403_and_named(with_token, alice, team):
    answer = with_token(alice, team, ["read"]).post(RUNS, {}, format="json")
    assert answer.status_code == 403
    assert "lacks the scope runs" in answer.json()["detail"]
    assert 'error="insufficient_scope", scope="runs"' in answer["WWW-Authenticate"]
    answer = with_token(alice, team, ["runs"]).get(RUNS)
    assert "lacks the scope read" in answer.json()["detail"]


def test_the_owners_role_limits_as_well(with_token, bob, team):
    client = with_token(bob, team)  # all scopes, and its owner may only look
    assert client.get(RUNS).status_code == 200
    upload = client.post("/api/v1/datasets/", {"name": "X", "file": class_zip()}, format="multipart")
    assert upload.status_code == 403
    assert client.get("/api/v1/audit/").status_code == 403


def test_a_run_to_a_device_needs_the_scope_deploy_too(with_token, alice, team):
    from portal.datasets.models import DatasetVersion
    from tests.seed import Seeder

    seed = Seeder(team, alice)
    version, device = seed.version(), seed.device()
    DatasetVersion.objects.filter(pk=version.pk).update(findings=[])
    body = {"dataset_version": version.pk, "preset": "fast", "devices": [device.pk]}
    answer = with_token(alice, team, ["runs"]).post(RUNS, body, format="json")
    assert answer.status_code == 403
    assert "lacks the scope deploy" in answer.json()["detail"]
    assert with_token(alice, team, ["runs", "deploy"]).post(RUNS, body, format="json").status_code == 201


def test_a_token_works_in_its_own_team_only(with_token, charlie, team):
    Membership.objects.create(team=team, user=charlie, role=Role.VIEWER)
    other = Team.objects.get(name="Elsewhere")
    client = with_token(charlie, team, ["read"])
    assert [row["name"] for row in client.get("/api/v1/teams/").json()["results"]] == ["Harbour"]
    assert client.get(RUNS, headers={"X-Team": str(other.pk)}).status_code == 403
    assert client.get(RUNS, headers={"X-Team": str(team.pk)}).status_code == 200


def test_the_header_chooses_the_team_of_a_person(charlie, team):
    Membership.objects.create(team=team, user=charlie, role=Role.VIEWER)
    client = APIClient()
    client.force_authenticate(charlie)

    def current(**headers):
        rows = client.get("/api/v1/teams/", headers=headers).json()["results"]
        return [row["name"] for row in rows if row["current"]]

    assert current() == ["Elsewhere"]
    assert current(**{"X-Team": str(team.pk)}) == ["Harbour"]
    for wanted in ("0", "999999", "x", "9" * 40):
        assert client.get(RUNS, headers={"X-Team": wanted}).status_code == 403


def test_its_last_use_is_written_at_most_once_a_minute(with_token, alice, team):
    client = with_token(alice, team, ["read"])
    client.get(RUNS)
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    client.get(RUNS)
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(seconds=61))
    client.get(RUNS)
    assert ApiToken.objects.get().last_used_at > first
    assert ApiToken.objects.get().last_used_from == "127.0.0.1"


def test_a_switched_off_owner_closes_the_token(with_token, alice, team):
    client = with_token(alice, team)
    alice.is_active = False
    alice.save()
    assert client.get(RUNS).status_code == 401


def test_one_sees_and_revokes_ones_own_and_an_administrator_everybodys(
    client, with_token, alice, bob, dora, team
):
    mine, theirs = with_token(alice, team).made, with_token(bob, team).made
    client.force_login(alice)
    assert "bob" not in client.get(reverse("token-list")).content.decode()
    assert client.post(reverse("token-revoke", args=[theirs.pk])).status_code == 404
    assert client.post(reverse("token-revoke", args=[mine.pk])).status_code == 302
    client.force_login(dora)
    assert client.post(reverse("token-revoke", args=[theirs.pk])).status_code == 302
    assert {token.state for token in ApiToken.objects.all()} == {"revoked"}


def test_tokens_are_made_listed_and_revoked_over_the_api(with_token, alice, team):
    client = with_token(alice, team, ["admin"])
    made = client.post("/api/v1/tokens/", {"name": "CI", "scopes": ["read"], "days": 7}, format="json")
    assert made.status_code == 201
    assert bearer(made.json()["secret"]).get(RUNS).status_code == 200
    listed = client.get("/api/v1/tokens/").json()["results"]
    assert "secret" not in listed[0] and "secret_hash" not in listed[0]
    assert client.delete(f"/api/v1/tokens/{made.json()['id']}/").status_code == 204
    assert bearer(made.json()["secret"]).get(RUNS).status_code == 401
    for wrong in ({"scopes": []}, {"scopes": ["all"]}, {"days": 0}, {"days": 367}):
        body = {"name": "CI", "scopes": ["read"], "days": 7} | wrong
        assert client.post("/api/v1/tokens/", body, format="json").status_code == 400


def test_a_token_opens_no_page(with_token, alice, team):
    assert with_token(alice, team).get(reverse("run-list")).status_code == 302
