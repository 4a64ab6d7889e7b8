"""Which language a reader gets: their own choice, this browser's, what the browser asks for."""

import base64

import pytest
from django.test import Client
from django.urls import reverse

from portal.teams.models import User
from tests.conftest import PASSWORD


def language_of(answer) -> str:
    return answer.headers["Content-Language"]


def basic(name: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()


def choose(client, code, back="/"):
    return client.post(reverse("language"), {"language": code, "next": back})


@pytest.fixture
def stranger(db):
    return Client()


def test_without_a_choice_the_browser_says_which(stranger):
    for asked, got in (
        ("zh-CN,zh;q=0.9,en;q=0.5", "zh-hans"),
        ("zh", "zh-hans"),
        ("en-GB", "en"),
        ("fr,de;q=0.5", "en"),
        ("*;;q=oops", "en"),
    ):
        answer = stranger.get(reverse("sign-in"), headers={"accept-language": asked})
        assert language_of(answer) == got, asked
        assert f'<html lang="{"zh-Hans" if got == "zh-hans" else "en"}">' in answer.content.decode()


def test_one_can_choose_before_signing_in_and_goes_back_to_the_page(stranger):
    answer = choose(stranger, "zh-hans", "/sign-in/?next=/runs/")
    assert answer.headers["Location"] == "/sign-in/?next=/runs/"
    assert language_of(stranger.get(reverse("sign-in"), headers={"accept-language": "en"})) == "zh-hans"


def test_a_signed_in_persons_choice_follows_them_to_another_browser(client, alice):
    client.force_login(alice)
    choose(client, "zh-hans")
    other = Client()
    assert other.login(username="alice", password=PASSWORD)
    assert language_of(other.get("/", headers={"accept-language": "en"})) == "zh-hans"
    choose(other, "en")
    assert language_of(client.get("/")) == "en", "the account's choice goes before this browser's"


def test_it_goes_to_no_other_server_and_takes_no_unknown_language(client, alice):
    client.force_login(alice)
    assert choose(client, "xx", "https://elsewhere.example/").headers["Location"] == "/"
    assert User.objects.get(pk=alice.pk).language == ""
    assert "language" not in client.cookies
    assert client.get(reverse("language")).status_code == 405


def test_a_language_that_is_no_longer_there_is_passed_over(client, alice):
    User.objects.filter(pk=alice.pk).update(language="xx")
    client.force_login(alice)
    assert language_of(client.get("/", headers={"accept-language": "en"})) == "en"


def test_programs_are_answered_in_english(client, alice):
    alice.language = "zh-hans"
    alice.save()
    asked = {"accept-language": "zh-CN"}
    assert language_of(Client().get("/api/v1/runs/", headers=asked)) == "en"
    client.force_login(alice)
    assert language_of(client.get("/api/v1/runs/")) == "zh-hans", "our own scripts show what it says"


def test_a_refusal_is_told_to_a_page_in_its_language_and_to_a_program_in_english(client, alice):
    program = {"authorization": basic("alice"), "accept-language": "zh-CN"}
    told = Client().get("/api/v1/uploads/6f1c2f8e-0000-4000-8000-000000000000/", headers=program)
    assert told.json()["detail"] == "There is nothing here with this address."
    alice.language = "zh-hans"
    alice.save()
    client.force_login(alice)
    told = client.get("/api/v1/uploads/6f1c2f8e-0000-4000-8000-000000000000/")
    assert told.json()["detail"] == "此地址没有内容。"


def test_every_page_offers_the_other_language(client, alice):
    assert 'value="zh-hans"' in Client().get(reverse("sign-in")).content.decode()
    client.force_login(alice)
    assert 'value="zh-hans"' in client.get("/").content.decode()
    assert 'value="zh-hans"' in client.get("/nothing/").content.decode()
