"""The shared history: Alice made it, Bob reads it, Charlie must not see it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from portal.jobs.models import Job, Status
from portal.runs import services
from portal.runs.models import Run
from tests.graphs import job_of
from tests.seed import everything

API = "/api/v1/history/"


@pytest.fixture
def rows(team, alice):
    return everything(team, alice)


def results(user, **query):
    client = APIClient()
    client.force_authenticate(user)
    return client.get(API, query)


def found(user, **query):
    """Kind and number of each entry."""
    return [(row["kind"], row["id"]) for row in results(user, **query).json()["results"]]


def text(client, **query):
    answer = client.get(reverse("history"), query)
    return " ".join(answer.content.decode().split())


def test_the_page_says_who_did_what_when_how_long_and_what_came_of_it(bobs, rows):
    page = text(bobs)
    for words in (
        "Digits, at work",
        "Train ",
        "Handwritten digits v1",
        "alice",
        "Succeeded",
        "99.03 %",
        "2 min",
    ):
        assert words in page, words
    assert "operator HardSwish is not supported" in page


def test_it_holds_all_runs_and_jobs_of_the_own_team_newest_first(rows, bob, charlie):
    entries = results(bob, limit=200).json()["results"]
    assert len(entries) == Run.objects.count() + Job.objects.count()
    times = [row["created_at"] for row in entries]
    assert times == sorted(times, reverse=True)
    assert found(charlie) == []


def test_pages_follow_one_another_without_a_gap_also_within_one_moment(seed, bob):
    version = seed.version()
    for number in range(4):
        seed.run(version, f"Run {number}")
        seed.job("train")
    moment = timezone.now() - timedelta(days=1)
    Run.objects.update(created_at=moment)
    Job.objects.update(created_at=moment)
    seen, query = [], {}
    for _ in range(20):
        answer = results(bob, limit=2, **query).json()
        seen += [(row["kind"], row["id"]) for row in answer["results"]]
        if not answer["next"]:
            break
        query = {"before": answer["next"].split("before=")[1].split("&")[0]}
    assert len(seen) == len(set(seen)) == Run.objects.count() + Job.objects.count()
    assert [kind for kind, _ in seen[:4]] == ["run"] * 4


def test_the_page_leads_on_to_older_entries_and_keeps_its_filter(bobs, seed):
    version = seed.version()
    for _ in range(60):
        seed.run(version)
    page = text(bobs, kind="run")
    link = page.split('class="pages"')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    assert "kind=run" in link
    assert bobs.get(link).content.decode().count("bi-play-circle") >= 10


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"kind": "run", "status": "failed"}, ["Digits for three chips and two boards"]),
        ({"kind": "run", "chip": "rk3588"}, ["Digits for three chips and two boards"]),
        ({"kind": "run", "recipe": "pp_lcnet_x1_0"}, []),
        ({"kind": "run", "person": "bob"}, []),
        ({"kind": "run", "until": "2001-01-01"}, []),
        ({"kind": "run", "since": "2001-01-01", "status": "running"}, ["Digits, at work"]),
        ({"kind": "run", "tag": "NIGHT"}, ["Digits, at work"]),
    ],
)
def test_runs_are_narrowed(rows, alice, bob, query, names):
    services.edit_run(rows["running"], alice, tag_names=["night"])
    answer = results(bob, **query)
    assert [row["name"] for row in answer.json()["results"]] == names, answer.json()


def test_jobs_are_narrowed_with_their_runs(rows, alice, bob):
    services.edit_run(rows["running"], alice, tag_names=["night"])
    training = ("train", job_of(rows["running"]).pk)
    assert found(bob, tag="night") == [training, ("run", rows["running"].pk)]
    assert [kind for kind, _ in found(bob, device=rows["virtual"].pk) if kind != "run"] == [
        "deploy", "infer", "deploy", "probe",
    ]  # fmt: skip
    assert ("ingest", rows["version"].job_id) in found(bob, dataset=rows["version"].dataset_id)
    assert [kind for kind, _ in found(bob, chip="rk3566")] == ["convert", "run"]
    assert {kind for kind, _ in found(bob, recipe="pp_lcnet_x0_25")} == {"run", "train", "convert", "deploy"}


@pytest.mark.parametrize(
    ("q", "kinds"),
    [
        ("at work", {"run", "train"}),
        ("WORK digits", {"run", "train"}),
        ("work nothing-like-it", set()),
        ("scratch", {"run", "train"}),
        ("左线", {"run", "train"}),
        ("hardswish", {"convert"}),
        ("virtual", {"deploy", "infer", "probe"}),
        ("leaves", {"ingest"}),
    ],
)
def test_it_searches_names_notes_tags_and_messages(rows, alice, bob, q, kinds):
    services.edit_run(rows["running"], alice, notes="Has it learned the scratch?", tag_names=["左线"])
    assert {kind for kind, _ in found(bob, q=q)} == kinds


def test_it_finds_the_steps_of_more_runs_than_can_be_listed(rows, bob, monkeypatch):
    monkeypatch.setattr("portal.runs.job_kinds.LISTED_AT_MOST", 0)
    assert {kind for kind, _ in found(bob, q="at work")} == {"run", "train"}


def test_a_number_finds_the_run_or_job(rows, bob):
    assert ("train", rows["job"].pk) in found(bob, q=f"#{rows['job'].pk}")


def test_a_retried_job_says_what_it_was_for(seed, bob):
    run = seed.run(seed.version())
    old = seed.job("train", status=Status.FAILED)
    middle = seed.job("train", status=Status.FAILED, retry_of=old)
    seed.train(run)
    Job.objects.filter(pk=job_of(run).pk).update(retry_of=middle)
    about = {row["id"]: row["about"] for row in results(bob, kind="train").json()["results"]}
    assert about[old.pk] == about[middle.pk] == run.name


def test_an_address_is_kept_short(bobs, rows):
    answer = bobs.get(reverse("history"), {"q": "", "kind": "run", "status": ""})
    assert answer["Location"] == reverse("history") + "?kind=run"
    assert bobs.get(reverse("history"), {"q": ""})["Location"] == reverse("history")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "broken"}, "status"),
        ({"kind": "nap"}, "kind"),
        ({"since": "yesterday"}, "since"),
        ({"until": "9999-12-31"}, "until"),
        ({"dataset": "99999999"}, "dataset"),
        ({"dataset": "9" * 30}, "dataset"),
        ({"person": "nobody"}, "person"),
        ({"q": "x" * 201}, "q"),
    ],
)
def test_a_wrong_filter_is_told_at_its_field_and_filters_nothing(bobs, bob, rows, query, field):
    answer = bobs.get(reverse("history"), query)
    page = answer.content.decode()
    assert answer.status_code == 422 and page.count("invalid-feedback") == 1
    assert "Digits, at work" in page
    if field != "q":
        refused = results(bob, **query)
        assert refused.status_code == 400 and field in refused.json()["errors"]


def test_a_wrong_cursor_or_limit_is_told(bob, rows):
    for query in ({"before": "x"}, {"limit": "0"}, {"limit": "201"}, {"limit": "²"}):
        assert results(bob, **query).status_code == 400, query


def test_another_teams_rows_cannot_be_filtered_by(rows, charlie):
    assert results(charlie, dataset=rows["version"].dataset_id).status_code == 400
    assert results(charlie, device=rows["board"].pk).status_code == 400


def test_an_empty_history_teaches_what_it_is(bobs):
    assert "Nothing has been done yet" in text(bobs)
    assert "No results" in text(bobs, q="x")
