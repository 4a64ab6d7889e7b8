"""An invitation and a forgotten password from the command line."""

import io

import pytest

from portal.teams import password_links, services, tokens
from portal.teams.models import Membership, Role, User

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "nine blue harbours"


@pytest.fixture
def types_a_password(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{NEW}\n"))


@pytest.fixture
def link(team, alice, live_server):
    Membership.objects.filter(user=alice).update(role=Role.ADMIN)
    return f"{live_server.url}{services.invite(team, alice, Role.MEMBER, 7)[1]}"


def test_an_invitation_makes_an_account(slipway, link, types_a_password):
    answer = slipway("join", link, "--user", "dana", "--password-stdin")
    assert (answer.code, answer.out) == (0, "dana is member of the team Harbour now.\n"), answer.err
    assert User.objects.get(username="dana").check_password(NEW)


def test_whoever_is_signed_in_joins_as_that_person(slipway, link, charlie, monkeypatch, live_server):
    secret = tokens.make(charlie.memberships.get().team, charlie, "CI", ["read", "admin"], 1)[1]
    monkeypatch.setenv("SLIPWAY_URL", live_server.url)
    monkeypatch.setenv("SLIPWAY_TOKEN", secret)
    assert slipway("join", link, "--json").json["username"] == "charlie"
    assert slipway("join", link).code == 6
    assert slipway("join", "http://elsewhere/invitations/x/").code == 2


def test_a_link_sets_a_new_password(slipway, team, bob, live_server, types_a_password):
    path = password_links.reset_path(bob, User.objects.create_superuser("root"), team)
    assert slipway("password", "reset", f"{live_server.url}{path}", "--password-stdin").code == 0
    assert User.objects.get(pk=bob.pk).check_password(NEW)
    assert slipway("password", "reset", "/password/new/x/y/", "--password-stdin").code == 2


def test_a_forgotten_password_is_asked_for_by_mail(slipway, live_server, alice, settings):
    settings.EMAIL_HOST = "mail"
    answer = slipway("password", "forgotten", live_server.url, "alice@example.org")
    assert (answer.code, "is on its way" in answer.out) == (0, True)
    settings.EMAIL_HOST = ""
    assert slipway("password", "forgotten", live_server.url, "alice@example.org").code == 6
