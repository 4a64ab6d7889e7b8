"""Joining by an invitation and a forgotten password, by the API: nobody needs to be signed in."""

import pytest
from django.core import mail
from rest_framework.test import APIClient

from portal.teams import password_links, services, tokens
from portal.teams.models import AuditEntry, Membership, Role, User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "nine blue harbours"
ACCEPT, FORGOTTEN, RESET = (
    f"/api/v1/{path}/" for path in ("invitations/accept", "me/password/forgotten", "me/password/reset")
)


@pytest.fixture
def api():
    return APIClient()


@pytest.fixture
def link(team, alice):
    Membership.objects.filter(user=alice).update(role=Role.ADMIN)
    return f"http://testserver{services.invite(team, alice, Role.MEMBER, 7)[1]}"


def test_an_invitation_makes_an_account_once(api, link, team):
    body = {"link": link, "username": "dana", "password": NEW, "email": "dana@example.org"}
    answer = api.post(ACCEPT, body, format="json")
    assert answer.status_code == 201, answer.content
    assert answer.json() == {"team": team.pk, "name": "Harbour", "role": "member", "username": "dana"}
    assert User.objects.get(username="dana").check_password(NEW)
    again = api.post(ACCEPT, body | {"username": "erin"}, format="json")
    assert again.status_code == 410 and "ask for a new one" in again.json()["detail"]
    assert AuditEntry.objects.get(verb="member.join").actor_name == "dana"


def test_a_call_that_is_sent_again_with_its_key_joins_once(api, link):
    body = {"link": link, "username": "dana", "password": NEW}
    first = api.post(ACCEPT, body, format="json", headers={"Idempotency-Key": "one"})
    again = api.post(ACCEPT, body, format="json", headers={"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again["Idempotency-Replayed"] == "true" and again.json() == first.json()


def test_whoever_is_signed_in_joins_with_the_account_there_is(api, link, charlie, team):
    api.credentials(HTTP_AUTHORIZATION="Basic Y2hhcmxpZTo=")
    api.force_authenticate(charlie)
    assert api.post(ACCEPT, {"link": link.rpartition("testserver")[2]}, format="json").status_code == 201
    assert charlie.memberships.filter(team=team, role=Role.MEMBER).exists()


def test_a_token_without_the_scope_admin_joins_nothing(api, link, charlie):
    secret = tokens.make(charlie.memberships.get().team, charlie, "CI", ["read", "runs"], 1)[1]
    answer = api.post(ACCEPT, {"link": link}, format="json", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 403 and "scope admin" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "dana"}, "password"),
        ({"username": "dana", "password": "123"}, "password"),
        ({"username": "alice", "password": NEW}, "username"),
        ({"password": NEW}, "username"),
        ({"username": "dana", "password": NEW, "role": "admin"}, "role"),
    ],
)
def test_what_is_wrong_is_told_by_field_and_the_link_still_works(api, link, body, field):
    answer = api.post(ACCEPT, {"link": link, **body}, format="json")
    assert answer.status_code == 400 and field in answer.json()["errors"], answer.content
    good = {"link": link, "username": "dana", "password": NEW}
    assert api.post(ACCEPT, good, format="json").status_code == 201


@pytest.mark.parametrize("wrong", ["x", "/", "https://elsewhere/invitations/abc/", "/invitations/%00/"])
def test_what_is_no_invitation_is_gone(api, wrong):
    assert api.post(ACCEPT, {"link": wrong}, format="json").status_code == 410


def test_a_link_for_a_new_password_is_mailed_to_who_has_the_address(api, alice, settings, mailed_here):
    settings.EMAIL_HOST = "mail"
    User.objects.filter(pk=alice.pk).update(email="alice@example.org")
    told = [
        api.post(FORGOTTEN, {"email": email}, format="json") for email in ("alice@example.org", "x@y.org")
    ]
    assert [(answer.status_code, answer.content) for answer in told] == [(202, b"")] * 2
    assert [message.to for message in mail.outbox] == [["alice@example.org"]]
    path = next(word for word in mail.outbox[0].body.split() if "/password/new/" in word)
    answer = api.post(RESET, {"link": path, "new_password": NEW}, format="json")
    assert answer.status_code == 204, answer.content
    alice.refresh_from_db()
    assert alice.check_password(NEW)


def test_links_are_asked_for_only_so_often(api, settings):
    settings.EMAIL_HOST = "mail"
    statuses = [
        api.post(FORGOTTEN, {"email": f"{n}@example.org"}, format="json").status_code for n in range(21)
    ]
    assert statuses == [202] * 20 + [429]


def test_a_server_without_mail_says_who_makes_a_link(api, settings):
    settings.EMAIL_HOST = ""
    answer = api.post(FORGOTTEN, {"email": "a@example.org"}, format="json")
    assert answer.status_code == 409 and "ask an administrator" in answer.json()["detail"]


def test_a_new_password_is_set_once_and_ends_tokens_unless_told_otherwise(api, alice, bob, team):
    for person, ends in ((alice, True), (bob, False)):
        token, _ = tokens.make(team, person, "CI", ["read"], 1)
        link = password_links.reset_path(person, User.objects.create_superuser(f"root{person.pk}"), team)
        body = {"link": link, "new_password": NEW} | ({} if ends else {"revoke_tokens": False})
        assert api.post(RESET, body | {"new_password": "123"}, format="json").status_code == 400
        answer = api.post(RESET, body, format="json")
        assert (answer.status_code, answer["Tokens-Working"]) == (204, "0" if ends else "1")
        token.refresh_from_db()
        assert bool(token.revoked_at) is ends
        assert api.post(RESET, body, format="json").status_code == 410
        assert not User.objects.get(pk=person.pk).check_password(PASSWORD)
