"""Signing in by an OpenID provider, against a real one on loopback."""

import time
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.teams import oidc
from portal.teams.models import AuditEntry, Membership, Role, Team, User
from tests.fakes import openid

HOME = "/"


@pytest.fixture(scope="module")
def server():
    provider = openid.start()
    yield provider
    provider.shutdown()
    provider.server_close()


@pytest.fixture
def provider(server, settings, db):
    """The provider, as it is at first, and a portal that knows it."""
    server.person, server.info, server.spoil, server.metadata = dict(openid.NONE), {}, {}, {}
    server.algorithm, server.signer = "RS256", server.key
    settings.OIDC_ISSUER, settings.OIDC_NAME = server.issuer, "Acme"
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = openid.CLIENT, openid.SECRET
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend", "portal.teams.backends.Provider",
    ]  # fmt: skip
    oidc._metadata.clear()
    return server


def go(client, provider, then="", **changed):
    """The whole way: the portal's button, the provider's page, and back. ``changed`` spoils the return."""
    begun = client.get(reverse("company-sign-in"), {"next": then})
    assert begun["Location"].startswith(provider.issuer), begun["Location"]
    back = provider.authorize(begun["Location"])
    for old, new in changed.items():
        back = back.replace(f"{old}=", f"{new}=")
    return client.get(back)


def person(client):
    found = client.session.get("_auth_user_id")
    return User.objects.get(pk=found) if found else None


def words(client, page="sign-in"):
    return client.get(reverse(page)).content.decode()


def test_without_settings_there_is_no_button_and_no_way(client, db):
    assert "company" not in words(client)
    for name in ("company-sign-in", "company-return", "company-sign-out"):
        assert client.get(reverse(name))["Location"] == reverse("sign-in")


def test_one_signs_in_by_the_button_and_gets_an_account_without_team_and_password(client, provider):
    assert "Sign in with Acme" in words(client)
    before = client.session.session_key
    assert go(client, provider, then="/runs/")["Location"] == "/runs/"
    erin = person(client)
    assert erin.username == "erin" and not erin.has_usable_password() and not erin.memberships.exists()
    assert client.session.session_key != before
    assert "not a member of any team" in client.get(HOME).content.decode()
    assert AuditEntry.objects.filter(verb="sign-in.company", actor=erin, result="done").count() == 1
    go(Client(), provider)
    assert User.objects.filter(username__startswith="erin").count() == 1  # the same person again


def test_a_name_or_an_address_gives_nobody_another_ones_account(client, provider, alice):
    provider.person |= {"preferred_username": "ALICE", "email": alice.email, "email_verified": True}
    go(client, provider)
    assert person(client).username == "ALICE-2"
    provider.person["sub"] = "2"  # another person with the same name
    other = Client()
    go(other, provider)
    assert person(other).username == "ALICE-3"


def test_an_address_counts_only_if_the_provider_has_verified_it(client, provider):
    provider.person |= {"email": "erin@example.org"}
    go(client, provider)
    assert person(client).email == ""


def test_nobody_is_sent_to_another_site_afterwards(client, provider):
    assert go(client, provider, then="https://evil.example/")["Location"] == HOME
    assert go(Client(), provider, then="//evil.example/")["Location"] == HOME


@pytest.mark.parametrize(
    "spoiled",
    [
        {"aud": "another client"},
        {"aud": [openid.CLIENT, "another"], "azp": "another"},
        {"iss": "https://another.example"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"sub": None},
        {"sub": "x" * 300},
    ],
    ids=lambda one: "-".join(one),
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(client, provider, spoiled):
    provider.spoil = spoiled
    assert go(client, provider)["Location"] == reverse("sign-in")
    assert person(client) is None and not User.objects.exists()
    text = words(client)
    assert "is not valid" in text or "no usable identifier" in text
    assert AuditEntry.objects.filter(verb="sign-in.company", result="refused").count() == 1


@pytest.mark.parametrize("forged", ["another key", "none", "HS256"])
def test_a_token_with_a_forged_signature_is_refused(client, provider, forged):
    provider.metadata = {"id_token_signing_alg_values_supported": ["RS256", "HS256", "none"]}
    if forged == "another key":
        provider.signer = openid.RSAKey.generate_key(2048, {"kid": "one"})
    else:
        provider.algorithm = forged
    go(client, provider)
    assert person(client) is None and "is not valid" in words(client)


def test_an_answer_that_this_browser_did_not_ask_for_is_refused(client, provider):
    stranger = Client()
    begun = stranger.get(reverse("company-sign-in"))
    back = provider.authorize(begun["Location"])
    client.get(reverse("company-sign-in"))
    assert client.get(back)["Location"] == reverse("sign-in")
    assert "another window or browser" in words(client)
    assert Client().get(back)["Location"] == reverse("sign-in")  # nor one that began nothing
    assert go(Client(), provider, state="no")["Location"] == reverse("sign-in")
    assert not User.objects.exists()


def test_an_answer_counts_once_and_not_after_ten_minutes(client, provider, monkeypatch):
    begun = client.get(reverse("company-sign-in"))
    back = provider.authorize(begun["Location"])
    client.get(back)
    client.logout()
    assert client.get(back)["Location"] == reverse("sign-in") and person(client) is None
    begun = client.get(reverse("company-sign-in"))
    now = time.time()
    monkeypatch.setattr(oidc.time, "time", lambda: now + 700)
    client.get(provider.authorize(begun["Location"]))
    assert person(client) is None and "took too long" in words(client)


def test_the_providers_no_is_told(client, provider):
    client.get(reverse("company-sign-in"))
    state = client.session["company_sign_in"]["state"]
    client.get(reverse("company-return"), {"error": "access_denied", "state": state})
    assert "Acme did not let you in (access_denied)" in words(client)


def test_a_provider_that_is_away_is_told_and_passwords_go_on(client, provider, settings, alice):
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    assert client.get(reverse("company-sign-in"))["Location"] == reverse("sign-in")
    assert "Acme cannot be reached now" in words(client)
    from tests.conftest import PASSWORD

    client.post(reverse("sign-in"), {"username": "alice", "password": PASSWORD})
    assert person(client) == alice


@pytest.mark.parametrize(
    "wrong",
    [{"issuer": "https://another.example"}, {"token_endpoint": "ftp://x"}, {"jwks_uri": None}],
    ids=lambda one: next(iter(one)),
)
def test_metadata_of_another_issuer_or_with_unsafe_addresses_is_not_used(client, provider, wrong):
    provider.metadata = wrong
    client.get(reverse("company-sign-in"))
    assert "cannot be reached" in words(client)


def test_a_provider_that_never_ends_its_answer_is_given_up(client, provider, monkeypatch):
    monkeypatch.setattr(oidc, "TOTAL_SECONDS", 0.1)
    monkeypatch.setattr(openid.Provider, "documents", lambda self: time.sleep(0.5) or {})
    client.get(reverse("company-sign-in"))
    assert "cannot be reached" in words(client)


def test_another_site_cannot_begin_a_sign_in(client, provider):
    answer = client.get(reverse("company-sign-in"), headers={"Sec-Fetch-Site": "cross-site"})
    assert answer["Location"] == reverse("sign-in")


def test_after_many_failures_a_network_must_wait(client, provider, monkeypatch):
    from portal.teams import throttle

    monkeypatch.setattr(throttle, "PER_ADDRESS", 2)
    provider.spoil = {"nonce": "another"}
    for _ in range(2):
        go(client, provider)
    assert client.get(reverse("company-sign-in"))["Location"] == reverse("sign-in")
    assert "Too many sign-ins failed" in words(client)


# --- roles -------------------------------------------------------------------------------------


@pytest.fixture
def grouped(provider, settings, team):
    settings.GROUP_ROLES = {
        "staff": {team.name: "member"}, "leads": {team.name: "admin"}, "other": {"No such team": "admin"},
    }  # fmt: skip
    return provider


def role(client, team):
    return Membership.objects.filter(user=person(client), team=team).values_list("role", flat=True).first()


def test_groups_give_roles_and_take_them_away(client, grouped, team):
    grouped.person["groups"] = ["staff", "leads", "other", "unknown"]
    go(client, grouped)
    assert role(client, team) == Role.ADMIN
    for groups, wanted in ((["staff"], Role.MEMBER), ([], None), ("staff", Role.MEMBER), (None, None)):
        client.logout()
        grouped.person["groups"] = groups
        go(client, grouped)
        assert role(client, team) == wanted
    entries = AuditEntry.objects.filter(team=team, detail__contains="groups of the company account")
    verbs = sorted(entries.values_list("verb", flat=True))
    assert verbs == ["member.join", "member.join", "member.remove", "member.remove", "member.role"]


def test_groups_decide_about_the_last_administrator_too_and_not_about_other_teams(client, grouped, team):
    Membership.objects.all().delete()
    grouped.person["groups"] = ["leads"]
    go(client, grouped)
    dock = Team.objects.create(name="Dock")
    Membership.objects.create(team=dock, user=person(client), role=Role.OPERATOR)
    client.logout()
    grouped.person["groups"] = []
    go(client, grouped)
    assert role(client, team) is None and role(client, dock) == Role.OPERATOR


def test_groups_may_stand_in_the_user_info_only_and_must_be_the_same_persons(client, grouped, team):
    grouped.info = {"groups": ["staff"]}
    go(client, grouped)
    assert role(client, team) == Role.MEMBER
    client.logout()
    grouped.info = {"groups": ["leads"], "sub": "another"}
    go(client, grouped)
    assert person(client) is None


def test_left_out_groups_take_no_role_away(client, grouped):
    grouped.person["_claim_names"] = {"groups": "src1"}
    go(client, grouped)
    assert person(client) is None and "leaves out your groups" in words(client)


# --- the account -------------------------------------------------------------------------------


def test_a_signed_in_person_connects_their_account_and_nobody_elses(client, provider, alice, bob):
    client.force_login(alice)
    assert "Connect" in words(client, "account")
    assert go(client, provider)["Location"] == reverse("account")
    assert "Connected to your account" in words(client, "account")
    other = Client()
    go(other, provider)
    assert person(other) == alice
    other.force_login(bob)
    go(other, provider)
    assert "belongs to another account" in words(other, "account")


def test_an_open_browser_is_not_enough_to_connect_an_account(client, provider, alice):
    client.force_login(alice)
    client.get(HOME)
    alice.sign_ins.update(created_at=timezone.now() - timedelta(minutes=11))
    assert client.get(reverse("company-sign-in"))["Location"] == reverse("account")
    assert "Sign out and in again" in words(client, "account")


def test_an_account_that_is_switched_off_stays_out(client, provider):
    go(client, provider)
    User.objects.update(is_active=False)
    assert go(Client(), provider)["Location"] == reverse("sign-in")
    assert client.get(HOME).status_code == 302


def test_a_session_of_the_company_ends_and_offers_the_providers_sign_out(client, provider, settings):
    settings.COMPANY_SESSION_SECONDS = 3600
    go(client, provider)
    assert client.session.get_expiry_age() == 3600
    left = client.post(reverse("sign-out"))["Location"]
    assert "not of Acme" in client.get(left).content.decode()
    out = client.get(reverse("company-sign-out"))["Location"]
    assert out.startswith(f"{provider.issuer}/out?client_id=slipway&post_logout_redirect_uri=http")


def test_only_emergency_accounts_keep_their_password(client, provider, settings, alice, bob):
    from tests.conftest import PASSWORD

    settings.PASSWORD_ACCOUNTS = ["alice"]
    settings.AUTHENTICATION_BACKENDS = [
        "portal.teams.backends.NamedAccounts", "portal.teams.backends.Provider",
    ]  # fmt: skip
    client.post(reverse("sign-in"), {"username": "bob", "password": PASSWORD})
    assert person(client) is None
    client.post(reverse("sign-in"), {"username": "alice", "password": PASSWORD})
    assert person(client) == alice
    go(client, provider)
