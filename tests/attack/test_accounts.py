"""Attacks on accounts: from other sites, by guessing, with a password that was stolen."""

from base64 import b64encode

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from portal.datasets.models import Dataset
from portal.teams import services, tasks, throttle, tokens
from portal.teams.models import AuditEntry, Result, Role, User
from tests.attack.accounts import ACCOUNT, NEW, link_for, with_password
from tests.conftest import PASSWORD

EVIL = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "https://testserver"},  # another scheme is another origin
    {"Referer": "https://evil.example/trap"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


# --- forms of other sites -------------------------------------------------------------------------


@pytest.mark.parametrize("headers", EVIL)
def test_a_form_of_another_site_changes_nothing_with_a_remembered_password(alice, headers):
    for address, body in (
        ("/api/v1/datasets/samples/digits/", {}),
        ("/api/v1/invitations/", {"role": "admin"}),
    ):
        answer = with_password().post(address, body, headers=headers, format="multipart")
        assert answer.status_code == 403
        assert "a page of another site" in answer.json()["detail"]
    assert not Dataset.objects.exists()


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://testserver"}, {"Sec-Fetch-Site": "same-origin"}])
def test_a_program_and_a_page_of_ours_may_use_a_password(alice, headers):
    answer = with_password().post("/api/v1/datasets/samples/digits/", headers=headers)
    assert answer.status_code == 201


def test_a_trusted_origin_may_use_a_password(alice, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.org"]
    for origin, status in (("https://a.example.org", 201), ("https://example.org.evil.example", 403)):
        client = with_password()
        answer = client.post("/api/v1/datasets/samples/digits/", headers={"Origin": origin})
        assert answer.status_code == status, origin


def test_no_browser_is_asked_for_a_password_to_remember(db):
    for headers in ({"Sec-Fetch-Site": "none"}, {"Origin": "http://testserver"}):
        answer = APIClient().get("/api/v1/runs/", headers=headers)
        assert "Basic" not in answer["WWW-Authenticate"]
    assert "Basic" in APIClient().get("/api/v1/runs/")["WWW-Authenticate"]


# --- guessing -------------------------------------------------------------------------------------

SPELLINGS = ["alice", " alice", "alice  ", "ａlice", "\u3000ａｌｉｃｅ", "Alice", "ALICE", "\talice"]


def sign_in(client, name, password="wrong", **extra):
    return client.post(reverse("sign-in"), {"username": name, "password": password}, **extra)


def guesses(ask, most=40) -> int:
    """How many guesses are answered before one has to wait."""
    for number in range(most):
        if ask(number).status_code == 429:
            return number
    return most


def test_all_spellings_of_a_name_are_one_account(client, alice):
    def by_turns(number):
        name = SPELLINGS[number % len(SPELLINGS)]
        return sign_in(client, name) if number % 2 else with_password(name, "wrong").get("/api/v1/runs/")

    assert guesses(by_turns) == throttle.PER_NAME_AND_ADDRESS
    assert sign_in(client, "alice", PASSWORD).status_code == 429


def test_no_number_of_spaces_hides_an_account_from_the_count(client, alice):
    found = guesses(lambda number: sign_in(client, " " * (145 + number) + "alice" + " " * 300))
    assert found == throttle.PER_NAME_AND_ADDRESS


def test_a_name_that_nobody_has_is_counted_like_an_account(client, db):
    found = guesses(lambda number: sign_in(client, ["nobody", "ｎobody", "Nobody "][number % 3]))
    assert found == throttle.PER_NAME_AND_ADDRESS


def test_signing_in_to_another_account_does_not_clear_the_count(client, alice):
    User.objects.create_user("Alice", password=PASSWORD)
    for _ in range(throttle.PER_NAME_AND_ADDRESS - 1):
        sign_in(client, "alice")
    assert sign_in(client, "Alice", PASSWORD).status_code == 302
    client.post(reverse("sign-out"))
    assert guesses(lambda _: sign_in(client, "alice")) == 1


@pytest.mark.parametrize(
    ("page", "fields"),
    [
        ("password-change", NEW | {"old_password": "wrong"}),
        ("account", {"email": "x@example.org", "password": "wrong"}),
    ],
)
def test_pages_that_ask_for_the_password_are_throttled(client, alice, page, fields):
    client.force_login(alice)
    assert guesses(lambda _: client.post(reverse(page), fields)) == throttle.PER_NAME_AND_ADDRESS
    answer = client.post(reverse(page), {name: PASSWORD for name in fields} | NEW)
    assert answer.status_code == 429 and int(answer["Retry-After"]) > 800
    assert "Too many wrong passwords" in answer.content.decode()
    assert sign_in(Client(), "alice", PASSWORD).status_code == 429


def test_all_places_that_ask_for_the_password_count_together(client, alice):
    client.force_login(alice)
    wrong = {"old_password": "wrong", "new_password": "another battery horse"}
    api = APIClient()
    api.force_authenticate(alice)
    places = [
        lambda: client.post(reverse("password-change"), NEW | {"old_password": "wrong"}),
        lambda: client.post(reverse("account"), {"email": "x@example.org", "password": "wrong"}),
        lambda: api.post("/api/v1/me/password/", wrong, format="json"),
        lambda: api.patch("/api/v1/me/", {"email": "x@example.org", "password": "wrong"}, format="json"),
        lambda: sign_in(Client(), "alice"),
    ]
    assert guesses(lambda number: places[number % len(places)]()) == throttle.PER_NAME_AND_ADDRESS


def test_an_empty_password_is_no_guess(client, alice):
    client.force_login(alice)
    assert guesses(lambda _: client.post(reverse("account"), {"email": "", "password": ""})) == 40


def test_ipv6_is_counted_by_network(client, alice):
    def from_one_customer(number):
        return sign_in(client, "alice", REMOTE_ADDR=f"2001:db8:1:2:{number:x}::{number}")

    assert guesses(from_one_customer) == throttle.PER_NAME_AND_ADDRESS
    assert sign_in(client, "alice", PASSWORD, REMOTE_ADDR="2001:db8:1:3::1").status_code == 302


def test_ipv6_is_counted_by_site_as_well(client, alice, monkeypatch):
    monkeypatch.setattr(throttle, "PER_SITE", 12)

    def from_one_site(number):
        return sign_in(client, f"guess {number}", REMOTE_ADDR=f"2001:db8:1:{number:x}::1")

    assert guesses(from_one_site) == 12
    assert sign_in(client, "alice", PASSWORD, REMOTE_ADDR="2001:db8:2::1").status_code == 302


def test_an_ipv4_address_within_ipv6_is_that_address(client, alice):
    found = guesses(
        lambda number: sign_in(client, "alice", REMOTE_ADDR=["192.0.2.7", "::ffff:192.0.2.7"][number % 2])
    )
    assert found == throttle.PER_NAME_AND_ADDRESS


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 5000, "ﷺ" * 200, "\u202ealice", ""])
def test_no_name_is_too_strange_for_the_api(db, name):
    word = b64encode(f"{name}:x".encode("utf-8", "surrogatepass")).decode()
    client = APIClient(headers={"Authorization": f"Basic {word}"})
    assert client.get("/api/v1/runs/").status_code == 401


def test_a_new_account_may_not_look_like_another(client, team, dora, alice):
    for name in ("ALICE", "ａlice"):
        _, path = services.invite(team, dora, Role.VIEWER, 1)
        assert client.post(path, ACCOUNT | {"username": name}).status_code == 422


@pytest.fixture
def with_mail(settings):
    settings.EMAIL_HOST = "mail.example.org"


def ask_for_mail(client, email, **extra):
    return client.post(reverse("password-forgotten"), {"email": email}, **extra)


def test_one_account_gets_few_mails_and_nobody_learns_of_it(client, with_mail, mailed_here, dora):
    answers = [ask_for_mail(client, email) for email in ["dora@example.org", "DORA@example.org"] * 5]
    assert {answer.status_code for answer in answers} == {302}
    assert len(mail.outbox) == throttle.MAILS_PER_ACCOUNT
    refused = AuditEntry.objects.get(verb=throttle.MAIL, result=Result.REFUSED)
    assert refused.times == 10 - throttle.MAILS_PER_ACCOUNT


def test_one_network_asks_for_few_mails(client, with_mail, db):
    found = guesses(lambda number: ask_for_mail(client, f"someone-{number}@example.org"))
    assert found == throttle.MAILS_PER_ADDRESS
    answer = ask_for_mail(client, "dora@example.org")
    assert int(answer["Retry-After"]) > 800
    assert "Too many links were asked for" in answer.content.decode()
    assert ask_for_mail(client, "a@example.org", REMOTE_ADDR="192.0.2.8").status_code == 302


def test_the_mail_is_left_to_a_worker_for_every_address_alike(client, with_mail, dora, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks.send_password_links, "apply_async", lambda args, **options: sent.append(args))
    for email in ("dora@example.org", "nobody@example.org"):
        ask_for_mail(client, email)
    assert [args[0] for args in sent] == ["dora@example.org", "nobody@example.org"]
    assert mail.outbox == []


# --- after a new password -------------------------------------------------------------------------


@pytest.fixture
def token(team, alice):
    return tokens.make(team, alice, "Nightly", ["read"], 30)[0]


def is_alive(token) -> bool:
    token.refresh_from_db()
    return token.state == "valid"


@pytest.mark.parametrize("revoke", [True, False])
def test_a_change_of_password_offers_to_revoke_the_tokens(client, alice, token, revoke):
    other = Client()
    for browser in (client, other):
        browser.force_login(alice)
        browser.get("/")
    text = client.get(reverse("password-change")).content.decode()
    assert 'name="revoke_tokens"' in text and "Nightly" in text and "checked" not in text
    fields = NEW | {"old_password": PASSWORD} | ({"revoke_tokens": "on"} if revoke else {})
    answer = client.post(reverse("password-change"), fields, follow=True)
    assert is_alive(token) is not revoke
    assert ("still work: 1" in answer.content.decode()) is not revoke
    assert other.get("/").status_code == 302
    assert [row.session_key for row in alice.sign_ins.all()] == [client.session.session_key]


@pytest.mark.parametrize("revoke", [True, False])
def test_a_link_offers_to_revoke_the_tokens_and_means_to(team, dora, bob, alice, token, revoke):
    services.change_role(alice.memberships.get(), Role.MEMBER)
    visitor = Client()
    form = visitor.get(link_for(alice, dora, team))["Location"]
    text = visitor.get(form).content.decode()
    assert 'name="revoke_tokens"' in text and "checked" in text
    visitor.post(form, NEW | ({"revoke_tokens": "on"} if revoke else {}))
    assert is_alive(token) is not revoke


def test_nothing_is_asked_of_who_has_no_tokens(client, alice, token):
    tokens.revoke(token)
    client.force_login(alice)
    assert "revoke_tokens" not in client.get(reverse("password-change")).content.decode()


@pytest.mark.parametrize("revoke", [True, False])
def test_the_api_says_how_many_tokens_go_on_and_revokes_them(alice, token, revoke):
    browser = Client()
    browser.force_login(alice)
    browser.get("/")
    body = {"old_password": PASSWORD, "new_password": "another battery horse", "revoke_tokens": revoke}
    answer = with_password().post("/api/v1/me/password/", body, format="json")
    assert (answer.status_code, answer["Tokens-Working"]) == (204, "0" if revoke else "1")
    assert is_alive(token) is not revoke
    assert browser.get("/").status_code == 302 and not alice.sign_ins.exists()


def test_a_new_password_ends_a_link_that_was_made_before(client, team, dora, alice):
    services.change_role(alice.memberships.get(), Role.MEMBER)
    path = link_for(alice, dora, team)
    client.force_login(alice)
    client.post(reverse("password-change"), NEW | {"old_password": PASSWORD})
    assert not alice.password_links.exists()
    assert Client().get(path).status_code == 200  # the page that says that it is over
