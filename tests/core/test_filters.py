"""Lists are narrowed by what the address says, within the team, and a value that cannot be is named."""

import pytest
from rest_framework.test import APIClient

from tests.graphs import job_of, model_of
from tests.seed import everything


@pytest.fixture
def rows(team, alice):
    return everything(team, alice)


def ask(user, name, query):
    client = APIClient()
    client.force_authenticate(user)
    return client.get(f"/api/v1/{name}/?{query}")


def ids(user, name, query):
    answer = ask(user, name, query)
    assert answer.status_code == 200, answer.json()
    return {row["id"] for row in answer.json()["results"]}


def test_runs_are_found_by_what_they_are_and_where_they_go(rows, alice):
    done, failed, running = rows["done"], rows["failed"], rows["running"]
    everywhere = {done.pk, failed.pk, running.pk}
    assert ids(alice, "runs", "") >= everywhere
    assert ids(alice, "runs", "status=failed") == {failed.pk}
    assert {done.pk, failed.pk} <= ids(alice, "runs", "status=failed&status=succeeded")
    assert running.pk not in ids(alice, "runs", "status=failed&status=succeeded")
    assert ids(alice, "runs", "chip=rk3588") == {failed.pk}
    assert done.pk in ids(alice, "runs", f"device={rows['virtual'].pk}")
    assert running.pk not in ids(alice, "runs", f"device={rows['virtual'].pk}")
    assert ids(alice, "runs", "name=at%20WORK") == {running.pk}
    assert everywhere <= ids(alice, "runs", f"dataset={rows['version'].dataset_id}&preset=fast")
    assert everywhere <= ids(alice, "runs", f"dataset_version={rows['version'].pk}&recipe=pp_lcnet_x0_25")
    assert ids(alice, "runs", "recipe=pp_lcnet_x1_0") == set()


def test_a_run_with_several_chips_comes_once(rows, alice):
    answer = ask(alice, "runs", "chip=rv1106&chip=rk3566&chip=rk3588").json()["results"]
    assert len([row for row in answer if row["id"] == rows["failed"].pk]) == 1


def test_rows_are_found_by_person_and_time(rows, alice, bob):
    assert ids(alice, "runs", "person=alice") == ids(alice, "runs", "")
    assert ids(alice, "runs", "person=bob") == set()
    assert ids(alice, "runs", "created_after=2020-01-01") == ids(alice, "runs", "")
    assert ids(alice, "runs", "created_before=2020-01-01T00:00:00Z") == set()


def test_someone_who_left_can_still_be_named(rows, team, alice, bob):
    alice.memberships.all().delete()
    assert rows["done"].pk in ids(bob, "runs", "person=alice")


def test_jobs_are_found_by_what_they_are_a_step_of(rows, alice):
    run = rows["done"]
    steps = {run.dataset_version.job_id, job_of(run).pk, rows["model"].job_id}
    found = ids(alice, "jobs", f"run={run.pk}")
    assert steps <= found and len(found) == 4
    assert ids(alice, "jobs", f"run={run.pk}&kind=train") == {job_of(run).pk}
    assert rows["virtual"].probe_job_id in ids(alice, "jobs", f"device={rows['virtual'].pk}")
    assert job_of(run).pk in ids(alice, "jobs", f"dataset={run.dataset_version.dataset_id}")
    assert ids(alice, "jobs", "error_kind=input&queue=default") == {
        job for job in ids(alice, "jobs", "status=failed") & ids(alice, "jobs", "kind=ingest")
    }


def test_what_was_made_and_boards_are_found_as_well(rows, alice):
    run, board = rows["done"], rows["virtual"]
    assert ids(alice, "compiled-models", f"model={model_of(run).pk}&chip=rv1106") == {rows["model"].pk}
    assert ids(alice, "models", f"dataset={run.dataset_version.dataset_id}") >= {model_of(run).pk}
    assert ids(alice, "evaluations", f"model={model_of(run).pk}&stage=paddle")
    assert ids(alice, "deployments", f"device={board.pk}&status=succeeded&run={run.pk}")
    assert ids(alice, "devices", "profile=virtual") == ids(alice, "devices", "name=virtual") == {board.pk}
    assert board.pk in ids(alice, "devices", "chip=rv1106")
    assert ids(alice, "inferences", f"device={board.pk}") == {rows["inference"].pk}
    assert ids(alice, "datasets", "name=DIGITS") == {rows["version"].dataset_id}
    assert ids(alice, "dataset-versions", f"dataset={rows['version'].dataset_id}") == {rows["version"].pk}
    assert len(ids(alice, "dataset-versions", "status=failed&task=classification")) == 1
    assert len(ids(alice, "members", "role=viewer")) == 1


@pytest.mark.parametrize(
    ("name", "query", "field"),
    [
        ("runs", "status=done", "status"),
        ("runs", "chip=rv9999", "chip"),
        ("runs", "dataset=999999", "dataset"),
        ("runs", "dataset=digits", "dataset"),
        ("runs", "device=99999999999999999999999999", "device"),
        ("runs", "person=nobody", "person"),
        ("runs", "person=%00", "person"),
        ("runs", "name=%00", "name"),
        ("runs", "created_after=yesterday", "created_after"),
        ("runs", "created_after=0001-01-01T00:00:00%2B14:00", "created_after"),
        ("jobs", "kind=trian", "kind"),
        ("jobs", "run=0", "run"),
        ("datasets", "created_before=2026-02-30", "created_before"),
        ("deployments", "compiled_model=-1", "compiled_model"),
    ],
)
def test_a_value_that_cannot_be_is_refused_at_its_field(rows, alice, name, query, field):
    answer = ask(alice, name, query)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_another_teams_rows_are_as_unknown_as_any_other(rows, charlie):
    for query in (f"dataset={rows['version'].dataset_id}", f"device={rows['virtual'].pk}", "person=alice"):
        assert ask(charlie, "runs", query).status_code == 400
        assert "Your team has n" in str(ask(charlie, "runs", query).json()["errors"])


def test_a_single_row_is_not_looked_for_through_the_filter(rows, alice):
    client = APIClient()
    client.force_authenticate(alice)
    assert client.get(f"/api/v1/runs/{rows['done'].pk}/").status_code == 200
    assert client.get(f"/api/v1/runs/{rows['done'].pk}/?status=failed").status_code == 400
