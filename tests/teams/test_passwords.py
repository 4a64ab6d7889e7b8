"""Throttled sign-in, new passwords by link, and where one is signed in."""

import re
from base64 import b64encode
from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from rest_framework.test import APIClient

from portal.core.addresses import client_address
from portal.teams import throttle
from portal.teams.models import AuditEntry, Membership, Role, SignIn, Team, User
from tests.conftest import PASSWORD

NEW = {"new_password1": "another battery horse", "new_password2": "another battery horse"}


def attempt(client, password="wrong", name="bob", **extra):
    return client.post(reverse("sign-in"), {"username": name, "password": password}, **extra)


def basic(name, password, **extra):
    client = APIClient()
    word = b64encode(f"{name}:{password}".encode()).decode()
    client.credentials(HTTP_AUTHORIZATION=f"Basic {word}", **extra)
    return client.get("/api/v1/runs/")


def test_after_ten_wrong_passwords_even_the_right_one_has_to_wait(client, bob):
    for _ in range(throttle.PER_NAME_AND_ADDRESS):
        assert attempt(client).status_code == 200
    answer = attempt(client, PASSWORD)
    assert answer.status_code == 429
    assert "Too many wrong passwords: wait 15 minutes" in answer.content.decode()
    assert int(answer["Retry-After"]) > 800
    refused = basic("bob", PASSWORD)
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 800
    assert refused.json()["detail"] == throttle.sentence(900)


def test_the_api_counts_with_the_page(client, bob):
    for _ in range(throttle.PER_NAME_AND_ADDRESS):
        assert basic("bob", "wrong").status_code == 401
    assert basic("bob", PASSWORD).status_code == 429
    assert attempt(client, PASSWORD).status_code == 429


def test_others_and_other_addresses_are_not_locked_out(client, bob, alice):
    for _ in range(throttle.PER_NAME_AND_ADDRESS):
        attempt(client)
    assert attempt(client, PASSWORD, "alice").status_code == 302
    client.post(reverse("sign-out"))
    assert attempt(client, PASSWORD, REMOTE_ADDR="10.0.0.9").status_code == 302


def test_the_right_password_clears_the_count(client, bob):
    for _ in range(2):
        for _ in range(throttle.PER_NAME_AND_ADDRESS - 1):
            attempt(client)
        assert attempt(client, PASSWORD).status_code == 302
        client.post(reverse("sign-out"))


def test_unknown_names_are_throttled_just_the_same(client, db):
    for _ in range(throttle.PER_NAME_AND_ADDRESS):
        attempt(client, name="nobody")
    assert attempt(client, name="nobody").status_code == 429


def test_one_address_and_one_name_have_limits_of_their_own(client, bob, monkeypatch):
    monkeypatch.setattr(throttle, "PER_ADDRESS", 5)
    for number in range(5):
        attempt(client, name=f"guess {number}")
    assert attempt(client, PASSWORD).status_code == 429
    monkeypatch.setattr(throttle, "PER_ADDRESS", 50)
    monkeypatch.setattr(throttle, "PER_NAME", 5)
    for number in range(5):
        attempt(client, REMOTE_ADDR=f"10.0.0.{number}")
    assert attempt(client, PASSWORD, REMOTE_ADDR="10.0.0.77").status_code == 429


def test_old_failures_no_longer_count(client, bob, monkeypatch):
    for _ in range(throttle.PER_NAME_AND_ADDRESS):
        attempt(client)
    monkeypatch.setattr(throttle, "WINDOW", timedelta(0))
    assert attempt(client, PASSWORD).status_code == 302


def test_attempts_that_must_wait_fill_nothing(client, bob):
    for _ in range(throttle.PER_NAME_AND_ADDRESS + 5):
        attempt(client)
    assert AuditEntry.objects.filter(verb=throttle.SIGN_IN).count() == throttle.PER_NAME_AND_ADDRESS


@pytest.mark.parametrize(
    ("proxies", "forwarded", "found"),
    [
        (0, "1.1.1.1", "9.9.9.9"),
        (1, "", "9.9.9.9"),
        (1, "1.1.1.1, 2.2.2.2", "2.2.2.2"),
        (2, "6.6.6.6, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (3, "1.1.1.1", "1.1.1.1"),
        (1, "nonsense", None),
        (1, "[2001:db8::1]", "2001:db8::1"),
    ],
)
def test_an_address_is_believed_from_trusted_proxies_only(rf, settings, proxies, forwarded, found):
    settings.PROXIES = proxies
    request = rf.get("/", REMOTE_ADDR="9.9.9.9", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == found


def test_an_administrators_link_sets_a_password_once_and_signs_out_everywhere(client, admin, bob, team):
    elsewhere = type(client)()
    elsewhere.force_login(bob)
    elsewhere.get(reverse("home"))
    pk = Membership.objects.get(user=bob, team=team).pk
    text = admin.post(reverse("team-member-reset-link", args=[pk]), follow=True).content.decode()
    path = re.search(r"/password/new/[^\"]+", text)[0]
    visitor = type(client)()
    form = visitor.get(path)["Location"]
    assert visitor.post(form, NEW)["Location"] == reverse("sign-in")
    bob.refresh_from_db()
    assert bob.check_password("another battery horse")
    assert elsewhere.get(reverse("home")).status_code == 302
    again = type(client)().get(path, follow=True)
    assert "This link was used or is too old" in again.content.decode()


def test_a_link_is_made_for_nobody_who_has_more_to_lose(admin, bob, alice, team):
    Membership.objects.create(team=Team.objects.get(name="Elsewhere"), user=bob, role=Role.VIEWER)
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    for person in (bob, alice):
        pk = Membership.objects.get(user=person, team=team).pk
        answer = admin.post(reverse("team-member-reset-link", args=[pk]))
        assert answer.status_code == 403
        assert "only an administrator of the server" in answer.content.decode()


def test_without_mail_the_page_says_whom_to_ask(client, db):
    text = client.get(reverse("password-forgotten")).content.decode()
    assert "This server sends no mail" in text
    client.post(reverse("password-forgotten"), {"email": "dora@example.org"})
    assert mail.outbox == []


def test_with_mail_a_link_is_sent_and_works(client, dora, settings, mailed_here):
    settings.EMAIL_HOST = "mail.example.org"
    client.post(reverse("password-forgotten"), {"email": "dora@example.org"})
    path = re.search(r"/password/new/\S+", mail.outbox[0].body)[0]
    client.post(client.get(path)["Location"], NEW)
    dora.refresh_from_db()
    assert dora.check_password("another battery horse")


def test_an_unknown_address_is_answered_with_the_same_words(client, dora, settings, mailed_here):
    settings.EMAIL_HOST = "mail.example.org"
    known, unknown = (
        client.post(reverse("password-forgotten"), {"email": email}, follow=True).content.decode()
        for email in ("dora@example.org", "nobody@example.org")
    )
    assert "a link is on its way" in known and "a link is on its way" in unknown
    assert len(mail.outbox) == 1


def test_one_sees_where_one_is_signed_in_and_signs_out_from_afar(client, bob):
    other = type(client)(
        HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    )
    for browser in (client, other):
        browser.force_login(bob)
        browser.get(reverse("home"))
    text = client.get(reverse("sign-in-list")).content.decode()
    assert "Firefox on Linux" in text and "(this one)" in text
    row = SignIn.objects.get(browser__contains="Firefox")
    client.post(reverse("sign-in-end", args=[row.pk]))
    assert other.get(reverse("home")).status_code == 302
    assert client.get(reverse("home")).status_code == 200


def test_one_cannot_end_anothers_session(client, bob, alice):
    client.force_login(alice)
    client.get(reverse("home"))
    client.force_login(bob)
    assert client.post(reverse("sign-in-end", args=[SignIn.objects.get(user=alice).pk])).status_code == 404


def test_all_others_are_signed_out_at_once(client, bob):
    others = [type(client)() for _ in range(3)]
    for browser in (client, *others):
        browser.force_login(bob)
        browser.get(reverse("home"))
    client.post(reverse("sign-in-end-others"))
    assert [browser.get(reverse("home")).status_code for browser in others] == [302] * 3
    assert client.get(reverse("home")).status_code == 200


def test_a_new_password_keeps_this_browser_and_ends_the_others(client, bob):
    other = type(client)()
    for browser in (client, other):
        browser.force_login(bob)
        browser.get(reverse("home"))
    client.post(reverse("password-change"), NEW | {"old_password": PASSWORD})
    assert client.get(reverse("home")).status_code == 200
    assert other.get(reverse("home")).status_code == 302
    assert [row.session_key for row in SignIn.objects.filter(user=bob)].count(client.session.session_key) == 1


def test_being_seen_is_written_once_a_minute(client, bob):
    client.force_login(bob)
    client.get(reverse("sign-in-list"))
    row = SignIn.objects.get(user=bob)
    client.get(reverse("sign-in-list"))
    assert SignIn.objects.get(user=bob).seen_at == row.seen_at
