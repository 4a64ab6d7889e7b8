"""What all commands have: fields, pages in the browser, lists that say when they are cut, completion."""

import json

import click
import pytest

from tests.cli.test_boundaries import said
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def three_runs(signed_in, team, alice):
    seeder = Seeder(team, alice)
    version = seeder.version("Pets")
    runs = [seeder.run(version, name=name) for name in ("First", "Second", "Third")]
    for run in runs:
        seeder.train(run)
    return runs


def test_fields_choose_what_is_printed(three_runs, slipway):
    answer = slipway("runs", "--fields", "name,status")
    assert answer.out.splitlines()[:2] == ["name\tstatus", f"Third\t{three_runs[2].status}"]
    assert slipway("runs", "--fields", "name", "--json").json[0] == {"name": "Third"}
    shown = slipway("show", three_runs[0].pk, "--fields", "name,steps.kind,model.job.kind")
    assert shown.out.splitlines() == ["name\tsteps.kind\tmodel.job.kind", 'First\t["train"]\ttrain']


def test_an_unknown_field_is_refused_with_those_that_there_are(three_runs, slipway):
    answer = slipway("runs", "--fields", "name,stauts")
    assert (answer.code, answer.out) == (2, "")
    assert "There is no field 'stauts': there are id, name, notes," in answer.err


def test_a_list_says_when_it_is_cut(three_runs, slipway):
    cut = slipway("runs", "--limit", 2)
    assert len(cut.out.splitlines()) == 3
    assert cut.err == "There are more than these 2: see --limit.\n"
    assert len(slipway("runs", "--limit", 2, "--json").json) == 2
    for limit in (3, 0):
        whole = slipway("runs", "--limit", limit)
        assert (len(whole.out.splitlines()), whole.err) == (4, "")


def test_web_opens_the_page_and_says_where_it_is(three_runs, slipway, live_server, monkeypatch):
    opened = []
    monkeypatch.setattr(click, "launch", opened.append)
    run = three_runs[0]
    version = run.dataset_version
    pages = {
        ("runs",): "runs/",
        ("show", run.pk): f"runs/{run.pk}/",
        ("dataset", "show", "Pets"): f"datasets/versions/{version.pk}/",
        ("compare", run.pk, three_runs[1].pk): f"runs/compare/?ids={run.pk},{three_runs[1].pk}",
        ("limits",): "team/limits/",
    }
    for words, page in pages.items():
        assert slipway(*words, "--web").out == f"{live_server.url}/{page}\n"
    assert opened == [f"{live_server.url}/{page}" for page in pages.values()]


@pytest.mark.parametrize(
    ("shell", "word"), [("bash", "complete "), ("zsh", "#compdef"), ("fish", "complete")]
)
def test_completion_is_printed_for_each_shell(shell, word):
    script = said("-m", "slipway", "completion", shell)
    assert word in script and "_SLIPWAY_COMPLETE" in script


# --- slipway api


def test_api_makes_any_call(three_runs, slipway):
    run = three_runs[0]
    found = json.loads(slipway("api", f"runs/{run.pk}/").out)
    assert found["name"] == "First"
    told = slipway("api", f"runs/{run.pk}/", "-X", "PATCH", "-f", "notes=3", "-F", 'tags=["good"]', "--json")
    assert (told.json["notes"], told.json["tags"]) == ("3", ["good"])
    assert slipway("api", "runs/", "-X", "get", "-f", "tag=good", "--fields", "results.id").code == 0


def test_api_follows_pages_and_takes_a_body_from_a_file(three_runs, slipway, tmp_path):
    rows = slipway("api", "runs/", "-X", "GET", "-F", "limit=1", "--paginate").json
    assert [row["name"] for row in rows] == ["Third", "Second", "First"]
    (tmp_path / "body.json").write_text('{"name": "Renamed"}')
    answer = slipway(
        "api", f"runs/{three_runs[0].pk}/", "-X", "PATCH", "--input", tmp_path / "body.json", "-i"
    )
    assert answer.out.startswith("HTTP 200\n") and "X-Request-ID: " in answer.out
    assert '"name":"Renamed"' in answer.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["api", "runs/999999/"], 4),
        (["api", "runs/", "-f", "preset=fast"], 6),
        (["api", "runs/", "-f", "preset"], 2),
        (["api", "runs/", "-H", "nothing"], 2),
        (["api", "runs/", "-X", "POST", "--paginate"], 2),
    ],
)
def test_api_has_the_exit_codes_of_the_other_commands(signed_in, slipway, words, code):
    answer = slipway(*words)
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith("slipway: ")
