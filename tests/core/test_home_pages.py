"""The start page and the pages for errors."""

import pytest
from django.urls import reverse

from tests.seed import Seeder, everything


@pytest.fixture
def alices(client, alice):
    client.force_login(alice)
    return client


def page(client, name="home", *args):
    return client.get(reverse(name, args=args)).content.decode()


def test_an_empty_portal_teaches_the_first_step(alices):
    text = page(alices)
    assert "No dataset yet" in text
    assert "Use 1,797 handwritten digits" in text


def test_the_next_step_after_data_is_a_run_and_after_a_run_a_board(alices, team, alice):
    version = Seeder(team, alice).version()
    assert "Next: train a model" in page(alices)
    run = Seeder(team, alice).run(version)
    Seeder(team, alice).train(run)
    assert "Next: register a board" in page(alices)


def test_it_shows_what_runs_what_failed_and_the_boards(alices, team, alice):
    everything(team, alice)
    text = page(alices)
    for words in ("Digits, at work", "It broke.", "Board in the hall", "did not answer within 10 seconds"):
        assert words in text
    assert "add at least one more" in text, "a refused upload is told"


def test_an_idle_start_page_does_not_ask_again(alices, team, alice):
    seed = Seeder(team, alice)
    seed.train(seed.run(seed.version()))
    assert "hx-get" not in page(alices)
    running = seed.run(seed.version(), status="running")
    seed.train(running, status="running")
    assert "hx-get" in page(alices)


def test_empty_lists_teach(alices):
    for name in ("dataset-list", "run-list", "model-list", "device-list"):
        assert 'class="empty"' in page(alices, name), name


def test_a_wrong_address_gets_our_page(alices):
    answer = alices.get("/nothing/here/")
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.content.decode()


def test_a_defect_gets_a_page_that_needs_no_database(alices, monkeypatch):
    def broken(request):
        raise RuntimeError("broken")

    monkeypatch.setattr("portal.core.views._next_step", broken)
    alices.raise_request_exception = False
    answer = alices.get(reverse("home"))
    assert answer.status_code == 500
    assert "That is a defect of Slipway" in answer.content.decode()


def test_a_form_without_its_token_is_not_taken(alice):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    answer = strict.post(reverse("dataset-digits"))
    assert answer.status_code == 403
    assert "This form is no longer valid" in answer.content.decode()
