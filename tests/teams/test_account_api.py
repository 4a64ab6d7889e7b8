"""One's account by the API: who one is, e-mail address, password, browsers; and the team's own calls."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from portal.teams import tokens
from portal.teams.models import AuditEntry, Team, User
from tests.conftest import PASSWORD


def client_of(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def admin(alice):
    alice.memberships.update(role="admin")
    return alice


def test_it_tells_who_calls_and_what_the_token_may(team, alice):
    token, secret = tokens.make(team, alice, "CI", ["read", "runs"], 1)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    found = client.get("/api/v1/me/").json()
    assert found == {
        "id": alice.pk, "username": "alice", "email": "", "team": team.pk, "role": "operator",
        "scopes": ["read", "runs"], "language": "",
        "expires_at": token.expires_at.isoformat().replace("+00:00", "Z"),
    }  # fmt: skip
    assert client_of(alice).get("/api/v1/me/").json()["scopes"] is None
    assert client.patch("/api/v1/me/", {"email": "a@example.org", "password": PASSWORD}).status_code == 403


def test_the_address_is_changed_with_the_password_only(alice):
    client = client_of(alice)
    wrong = client.patch("/api/v1/me/", {"email": "a@example.org", "password": "x"}, format="json")
    assert wrong.status_code == 400 and list(wrong.json()["errors"]) == ["password"]
    answer = client.patch("/api/v1/me/", {"email": "a@example.org", "password": PASSWORD}, format="json")
    assert answer.json()["email"] == "a@example.org"
    assert AuditEntry.objects.filter(verb="account.email").exists()


def test_a_password_is_changed_and_a_weak_one_refused_at_its_field(alice):
    client, address = client_of(alice), "/api/v1/me/password/"
    weak = client.post(address, {"old_password": PASSWORD, "new_password": "12345"}, format="json")
    assert list(weak.json()["errors"]) == ["new_password"]
    good = {"old_password": PASSWORD, "new_password": "another horse, another battery"}
    assert client.post(address, good, format="json").status_code == 204
    assert User.objects.get(username="alice").check_password("another horse, another battery")


def test_guesses_at_the_password_must_wait(alice):
    client = client_of(alice)
    body = {"old_password": "wrong", "new_password": "another horse, another battery"}
    statuses = [client.post("/api/v1/me/password/", body, format="json").status_code for _ in range(11)]
    assert statuses == [400] * 10 + [429]


def test_browsers_are_listed_and_signed_out(alice, bob):
    browser = Client()
    browser.force_login(alice)
    browser.get("/", headers={"User-Agent": "Mozilla/5.0 (Windows) Firefox/140"})
    rows = client_of(alice).get("/api/v1/sign-ins/").json()["results"]
    assert [row["browser"] for row in rows] == ["Firefox on Windows"]
    address = f"/api/v1/sign-ins/{rows[0]['id']}/"
    assert client_of(bob).delete(address).status_code == 404
    assert client_of(alice).delete(address).status_code == 204
    assert browser.get("/").status_code == 302


def test_every_other_browser_is_signed_out_at_once(alice):
    browser = Client()
    browser.force_login(alice)
    browser.get("/")
    assert client_of(alice).post("/api/v1/sign-ins/end-others/").status_code == 204
    assert browser.get("/").status_code == 302


def test_an_administrator_renames_the_team_and_nobody_else_does(team, admin, bob, charlie):
    address = f"/api/v1/teams/{team.pk}/"
    for user, status in ((bob, 403), (charlie, 404), (admin, 200)):
        assert client_of(user).patch(address, {"name": "Dock"}, format="json").status_code == status
    team.refresh_from_db()
    assert team.name == "Dock"
    taken = client_of(admin).patch(address, {"name": "Elsewhere"}, format="json")
    assert list(taken.json()["errors"]) == ["name"]


def test_only_the_servers_administrator_makes_a_team(admin):
    body = {"name": "Dock"}
    assert client_of(admin).post("/api/v1/teams/", body, format="json").status_code == 403
    User.objects.update(is_superuser=True)
    answer = client_of(User.objects.get(pk=admin.pk)).post("/api/v1/teams/", body, format="json")
    assert answer.status_code == 201
    assert answer.json()["role"] == "admin"
    assert Team.objects.get(name="Dock").memberships.get().user == admin


def test_a_link_for_a_new_password_is_made_for_those_one_administers(admin, bob, charlie, team):
    address = f"/api/v1/members/{bob.memberships.get().pk}/reset-link/"
    assert "/password/new/" in client_of(admin).post(address).json()["link"]
    assert client_of(charlie).post(address).status_code == 404
    charlie.memberships.create(team=team, role="viewer")
    address = f"/api/v1/members/{charlie.memberships.get(team=team).pk}/reset-link/"
    answer = client_of(admin).post(address)
    assert answer.status_code == 403
    assert "that you do not administer" in answer.json()["detail"]


def test_everybody_may_leave_and_only_an_administrator_may_remove(team, alice, bob):
    of_alice, of_bob = (user.memberships.get(team=team).pk for user in (alice, bob))
    assert client_of(bob).delete(f"/api/v1/members/{of_alice}/").status_code == 403
    assert client_of(bob).delete(f"/api/v1/members/{of_bob}/").status_code == 204
    assert not bob.memberships.exists()
