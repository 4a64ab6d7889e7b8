"""Names, tags and notes of runs: Alice edits, Bob may only look, Charlie must not see them."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.runs.models import Run, Tag
from portal.runs.tags import TAGS_AT_MOST
from portal.teams.models import AuditEntry
from tests.seed import Seeder


@pytest.fixture
def run(team, alice):
    seed = Seeder(team, alice)
    run = seed.run(seed.version())
    seed.train(run)
    return run


def api(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


def edit(client, run, **fields):
    fields = {"name": run.name, "tags": "", "notes": ""} | fields
    return client.post(reverse("run-edit", args=[run.pk]), fields)


def test_name_tags_and_notes_are_kept_and_audited(alices, run):
    edit(alices, run, name="The best", tags="baseline, 左线， night  shift", notes="First line\r\nsecond")
    run.refresh_from_db()
    assert (run.name, run.notes) == ("The best", "First line\nsecond")
    assert [tag.name for tag in run.tags.all()] == ["baseline", "night shift", "左线"]
    entry = AuditEntry.objects.get(verb="run.edit")
    assert (entry.object_id, entry.detail) == (run.pk, "name, notes, tags")


def test_saving_without_a_change_records_nothing(alices, run):
    edit(alices, run)
    assert not AuditEntry.objects.filter(verb="run.edit").exists()


def test_a_hostile_note_is_shown_as_text_and_lines_stay_lines(alices, run):
    edit(alices, run, notes="<script>alert(1)</script>\nnext", tags="<b>bold</b>")
    page = alices.get(reverse("run-detail", args=[run.pk])).content.decode()
    assert '<div class="note">&lt;script&gt;alert(1)&lt;/script&gt;\nnext</div>' in page
    assert "<b>bold" not in page and "&lt;b&gt;bold" in page


def test_a_tag_of_other_case_is_the_teams_tag_and_a_tag_without_runs_goes(alices, run, team):
    edit(alices, run, tags="Night")
    other = Run.objects.create(
        task="classification",
        team=team,
        name="Other",
        dataset_version=run.dataset_version,
        recipe="pp_lcnet_x0_25",
    )
    edit(alices, other, tags="night, NIGHT")
    assert Tag.objects.get().name == "Night" and Tag.objects.get().runs.count() == 2
    edit(alices, run)
    edit(alices, other)
    assert not Tag.objects.exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"tags": "x" * 41}, "A tag has up to 40 characters"),
        ({"tags": ",".join(f"t{n}" for n in range(TAGS_AT_MOST + 1))}, "Give at most 20 tags."),
        ({"name": ""}, "This field is required."),
        ({"notes": "x" * 10_001}, "at most 10000 characters"),
    ],
)
def test_a_refused_edit_keeps_what_was_typed(alices, run, fields, sentence):
    answer = edit(alices, run, **({"notes": "kept as typed"} | fields))
    page = answer.content.decode()
    assert answer.status_code == 422 and sentence in page
    assert "kept as typed" in page or "notes" in fields
    run.refresh_from_db()
    assert run.notes == "" and not run.tags.exists()


def test_the_api_changes_only_what_it_is_given(run, alice):
    address = f"/api/v1/runs/{run.pk}/"
    answer = api(alice).patch(address, {"tags": ["a", "A", "b"], "notes": "n"}, format="json").json()
    assert (answer["tags"], answer["notes"], answer["name"]) == (["a", "b"], "n", run.name)
    answer = api(alice).patch(address, {"name": "New"}, format="json").json()
    assert (answer["tags"], answer["name"]) == (["a", "b"], "New")
    refused = api(alice).patch(address, {"tags": ["x" * 41]}, format="json")
    assert refused.status_code == 400 and "shorten" in refused.json()["errors"]["tags"][0]


def test_a_viewer_may_not_edit_and_a_stranger_finds_no_run(client, run, bob, charlie):
    for user, status in ((bob, 403), (charlie, 404)):
        assert api(user).patch(f"/api/v1/runs/{run.pk}/", {"notes": "x"}, format="json").status_code == status
        client.force_login(user)
        assert edit(client, run).status_code == status
    client.force_login(bob)
    assert "Edit name" not in client.get(reverse("run-detail", args=[run.pk])).content.decode()
