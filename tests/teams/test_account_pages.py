"""Signing in and out."""

from django.urls import reverse

from tests.conftest import PASSWORD


def test_one_signs_in_and_lands_where_one_wanted_to_go(client, alice):
    wanted = reverse("run-list")
    address = client.get(wanted)["Location"]
    answer = client.post(address, {"username": "alice", "password": PASSWORD, "next": wanted})
    assert answer["Location"] == wanted


def test_a_wrong_password_keeps_the_name_and_says_so(client, alice):
    answer = client.post(reverse("sign-in"), {"username": "alice", "password": "wrong"})
    text = answer.content.decode()
    assert 'value="alice"' in text
    assert "correct username and password" in text


def test_one_changes_ones_password(client, alice):
    client.force_login(alice)
    fields = {"old_password": PASSWORD, "new_password1": "another battery horse"}
    answer = client.post(reverse("password-change"), fields | {"new_password2": "another battery horse"})
    assert answer["Location"] == reverse("home")
    alice.refresh_from_db()
    assert alice.check_password("another battery horse")


def test_after_signing_out_nothing_is_shown(client, alice):
    client.force_login(alice)
    assert client.post(reverse("sign-out"))["Location"] == reverse("sign-in")
    assert client.get(reverse("home")).status_code == 302


def test_one_changes_ones_address_with_ones_password(client, bob):
    client.force_login(bob)
    answer = client.post(reverse("account"), {"email": "bob@example.com", "password": "wrong"})
    assert answer.status_code == 422
    assert "not your password" in answer.content.decode() and "bob@example.com" in answer.content.decode()
    client.post(reverse("account"), {"email": "bob@example.com", "password": PASSWORD})
    bob.refresh_from_db()
    assert bob.email == "bob@example.com"
    assert client.post(reverse("account"), {"email": "bob@", "password": PASSWORD}).status_code == 422
