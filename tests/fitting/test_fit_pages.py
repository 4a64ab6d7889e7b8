"""Searches for a fitting model by page and API: who may, what is refused, what is displayed."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.fitting.models import FitSearch
from portal.jobs.models import Status
from portal.tasks.classification import Classification
from portal.tasks.doubts import Doubt, Grade

FORM = {
    "target": "rv1106 bgr", "minutes": 600, "recipes": ["pp_lcnet_x0_25"], "sizes": ["64x64", "128x128"],
}  # fmt: skip


@pytest.fixture
def form(version):
    return FORM | {"dataset_version": version.pk}


def call(user, body=None):
    client = APIClient()
    client.force_authenticate(user)
    address = "/api/v1/fit-searches/"
    return client.post(address, body, format="json") if body else client.get(address)


def test_a_search_is_started_from_the_page_and_its_winner_is_deployed_from_there(
    alices, form, workers, team, alice
):
    assert b"Find a model for my board" in alices.get(reverse("fit-new")).content
    limits = {"max_ms": "5", "max_megabytes": "2", "min_accuracy": "80"}
    answer = alices.post(reverse("fit-new"), form | limits)
    found = FitSearch.objects.get()
    assert answer.status_code == 302 and answer["Location"] == found.get_absolute_url()
    assert found.limits == {"ms": 5.0, "cycles": None, "memory": 2 * 2**20, "accuracy": 0.8}
    page = alices.get(found.get_absolute_url()).content.decode()
    assert "2.0 MB of memory" in page
    assert "Running" in page and "Queued" not in page.partition("candidates")[0]  # its runs are at work
    assert "about 10 h left" in page
    assert 'data-live="on"' in page and "PP-LCNet x0.25 128×128" in page
    workers.work()
    page = alices.get(found.get_absolute_url()).content.decode()
    winner = FitSearch.objects.get().winner.trials.last().run
    assert 'data-live="off"' in page and "fits: Top-1" in page and 'id="fit-points"' in page
    assert reverse("run-improve", args=[winner.pk]) in page
    assert "PP-LCNet x0.25 128×128" in alices.get(reverse("fit-list")).content.decode()


def test_a_winner_that_is_no_good_is_not_shown_in_green(alices, start, workers, monkeypatch):
    doubt = Doubt(Grade.DOUBTFUL, "Top-1 is 12 % only.", "Train longer.")
    monkeypatch.setattr(Classification, "doubts", lambda *_: [doubt])
    found = start(recipes=["pp_lcnet_x0_25"], sizes=[(64, 64)])
    workers.work()
    page = alices.get(found.get_absolute_url()).content.decode()
    assert "Top-1 is 12 % only." in page and "alert-success" not in page


def test_what_cannot_be_searched_is_said_at_its_field(alices, form):
    for wrong, words in (
        ({"minutes": "1"}, "Give at least 5."),
        ({"max_megacycles": "0.001"}, "comes nearest"),
        ({"target": "rk3588 rgb", "max_ms": "5"}, "limit its cycles instead"),
        ({"recipes": ["picodet_s"]}, "does not fit this dataset"),
        ({"augmentation": "signs"}, "Choose one of"),
        ({"recipes": ["pp_lcnet_x0_25"], "sizes": ["416x416"]}, "None of the recipes"),
    ):
        page = alices.post(reverse("fit-new"), form | wrong)
        assert page.status_code == 422 and words in page.content.decode(), wrong
    assert not FitSearch.objects.exists()


def test_the_api_starts_one_and_lists_its_candidates(alice, charlie, version, workers):
    body = {"dataset_version": version.pk, "chip": "rv1106", "budget_minutes": 600}
    body |= {"recipes": ["pp_lcnet_x0_25"], "input_sizes": ["64x64", "128x128"], "max_cycles": 2_000_000}
    answer = call(alice, body)
    assert answer.status_code == 202, answer.json()
    assert [one["left_out"] for one in answer.json()["candidates"]] == ["", ""]
    assert (answer.json()["status"], answer.json()["job"]["status"]) == (Status.RUNNING, Status.QUEUED)
    client = APIClient()
    client.force_authenticate(alice)
    found = {one: client.get(f"/api/v1/fit-searches/?status={one}").json()["results"] for one in Status}
    assert [one for one in Status if found[one]] == [Status.RUNNING]
    workers.work()
    made = FitSearch.objects.get()
    row = client.get(f"/api/v1/fit-searches/{made.pk}/").json()
    won = next(one for one in row["candidates"] if one["id"] == row["winner"])
    assert row["met"] and row["winner_run"] == won["trials"][-1]["run"] and won["keeps"]
    assert won["cycles"] == 128 * 128 * 10 and won["value"] > 0.8
    assert call(alice).json()["results"][0]["job"]["status"] == Status.SUCCEEDED
    assert call(charlie, body).status_code == 400  # the version is not theirs
    client.force_authenticate(charlie)
    assert client.get(f"/api/v1/fit-searches/{made.pk}/").status_code == 404


def test_bad_values_are_refused_with_their_field(alice, version):
    body = {"dataset_version": version.pk, "chip": "rv1106", "budget_minutes": 60}
    for wrong in (
        {"chip": "z80"}, {"budget_minutes": 4}, {"input_sizes": ["big"]}, {"recipes": ["none"]},
        {"min_accuracy": 1.5}, {"max_cycles": -1}, {"augmentation": "none"},
    ):  # fmt: skip
        answer = call(alice, body | wrong)
        assert answer.status_code == 400, wrong
        assert answer.json()["errors"], wrong


def test_viewers_look_and_do_not_start(bobs, form, start):
    found = start()
    assert bobs.get(found.get_absolute_url()).status_code == 200
    assert bobs.get(reverse("fit-new")).status_code == 403
    assert bobs.post(reverse("fit-new"), form).status_code == 403
    assert FitSearch.objects.count() == 1


def test_the_chips_time_is_limited_by_its_cycles_and_what_boards_measured(version):
    from portal.fitting.goals import cycles_limit

    limits = {"ms": 2.0, "cycles": None}
    clock = 1e9 / 1024  # cycles a millisecond: 1 TOPS at 512 multiplications a cycle
    assert cycles_limit(limits, "rv1106") == pytest.approx(2.0 * clock)
    assert cycles_limit(limits, "rv1106", factor=2) == pytest.approx(clock)
    assert cycles_limit(limits | {"cycles": 10}, "rv1106") == 10
    assert cycles_limit({"ms": None, "cycles": None}, "rv1106") is None
