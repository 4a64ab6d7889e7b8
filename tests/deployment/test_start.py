"""A finished run's model goes on another device, or back on one, by one call.

Alice owns it, Bob is a colleague who may only look, Charlie is of another team.
"""

import json

import pytest
from rest_framework.test import APIClient

from portal.deployment import running
from portal.jobs.models import Job, Status
from portal.models.models import CompiledModel
from portal.notify.models import Webhook
from portal.runs.report import report
from portal.teams.models import AuditEntry
from tests.e2e import boards
from tests.factories import run_queued_jobs
from tests.graphs import deployments_of, model_of
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def seed(team, alice, monkeypatch):
    boards.install(monkeypatch)
    return Seeder(team, alice)


@pytest.fixture
def run(seed):
    run = seed.run(seed.version())
    seed.train(run)
    seed.convert(run)
    return run


@pytest.fixture
def device(seed):
    return seed.device(profile="virtual")


def post(person, run, device):
    client = APIClient()
    client.force_authenticate(person)
    return client.post("/api/v1/deployments/", {"run": run.pk, "device": device.pk}, format="json")


def test_it_deploys_after_the_runs_end_and_leaves_the_run_as_it_was(run, device, alice):
    before = report(run)["seconds"]
    answer = post(alice, run, device)
    assert answer.status_code == 202, answer.json()
    run_queued_jobs()
    deployment = deployments_of(run).get()
    assert deployment.job.status == Status.SUCCEEDED
    assert deployment.release == f"model{model_of(run).pk}-job{deployment.job_id}"
    ended = run.finished_at
    run.refresh_from_db()
    assert (run.status, run.finished_at) == (Status.SUCCEEDED, ended)
    assert report(run)["seconds"] == before
    assert AuditEntry.objects.filter(verb="deployment.create").count() == 1


def test_it_is_told_as_a_deployment_and_never_as_another_end_of_the_run(run, device, alice, team):
    events = ["run.finished", "run.failed", "deployment.finished", "deployment.failed"]
    hook = Webhook.objects.create(team=team, name="Chat", url="https://chat.example", events=events)
    post(alice, run, device)
    run_queued_jobs()
    assert [row.event for row in hook.deliveries.all()] == ["deployment.finished"]
    data = json.loads(hook.deliveries.get().body)["data"]
    assert data["device"]["id"] == device.pk and data["run"]["id"] == run.pk


def test_the_answer_shows_the_new_attempt_without_the_figures_of_the_old_one(run, device, alice):
    post(alice, run, device)
    run_queued_jobs()
    answer = post(alice, run, device).json()
    assert answer["job"]["status"] == "queued" and answer["evaluation"] is None
    assert (answer["release"], answer["activated_at"], answer["current"]) == ("", None, False)


def test_asked_for_again_it_is_done_again(run, device, alice):
    post(alice, run, device)
    run_queued_jobs()
    first = deployments_of(run).values().get()
    answer = post(alice, run, device)
    assert answer.status_code == 202 and answer.json()["id"] != first["id"]
    run_queued_jobs()
    assert deployments_of(run).filter(pk=first["id"]).values().get() == first, (
        "an attempt is never overwritten"
    )
    assert running.current_deployment(device).pk == answer.json()["id"]
    listed = APIClient()
    listed.force_authenticate(alice)
    assert len(listed.get(f"/api/v1/deployments/?run={run.pk}").json()["results"]) == 2
    assert [row["id"] for row in listed.get(f"/api/v1/runs/{run.pk}/").json()["deployments"]] == [
        answer.json()["id"]
    ]


def test_while_it_is_under_way_it_is_not_begun_again(run, device, alice):
    post(alice, run, device)
    answer = post(alice, run, device)
    assert answer.status_code == 409
    assert "under way already" in answer.json()["detail"]
    assert Job.objects.filter(kind="deploy").count() == 1


@pytest.mark.parametrize("lack", ["no model for the chip", "not converted", "another channel order"])
def test_without_a_model_for_the_device_it_says_what_to_do(run, device, alice, lack):
    models = CompiledModel.objects.all()
    if lack == "no model for the chip":
        models.update(chip="rk3588")
    elif lack == "another channel order":
        models.update(channel_order="rgb")
    else:
        Job.objects.filter(kind="convert").update(status=Status.FAILED)
    answer = post(alice, run, device)
    assert answer.status_code == 400
    assert "start a run that names this device" in answer.json()["errors"]["device"][0]
    assert not deployments_of(run).exists()


def test_a_viewer_may_not_deploy_and_a_stranger_finds_nothing(run, device, bob, charlie):
    assert post(bob, run, device).status_code == 403
    answer = post(charlie, run, device)
    assert answer.status_code == 400
    assert "Your team has nothing with the number" in str(answer.json()["errors"])
    assert not deployments_of(run).exists()
