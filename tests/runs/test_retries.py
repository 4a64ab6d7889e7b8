"""A retry by a person, wherever it is asked for, brings back the run; and nothing is a 500.

Alice is an operator; the run has a device.
"""

from datetime import timedelta

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.deployment.models import Deployment
from portal.devices import services
from portal.jobs import services as jobs
from portal.jobs.models import Job, Status
from portal.runs import pipeline
from portal.runs.models import Run
from portal.runs.services import step_jobs
from portal.teams import quotas
from tests.e2e import boards
from tests.factories import run_queued_jobs
from tests.graphs import deployments_of, job_of, run_of
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def seed(team, alice, monkeypatch):
    boards.install(monkeypatch)
    return Seeder(team, alice)


def by_page(client, alice, job):
    client.force_login(alice)
    return client.post(reverse("job-retry", args=[job.pk]), follow=True)


def by_run_page(client, alice, job):
    client.force_login(alice)
    run = run_of(job)
    return client.post(reverse("run-retry", args=[run.pk]), follow=True)


def by_api(client, alice, job):
    api = APIClient()
    api.force_authenticate(alice)
    return api.post(f"/api/v1/jobs/{job.pk}/retry/")


def by_run_api(client, alice, job):
    api = APIClient()
    api.force_authenticate(alice)
    return api.post(f"/api/v1/runs/{run_of(job).pk}/retry/")


WAYS = {"page": by_page, "API": by_api, "run's page": by_run_page, "run's API": by_run_api}


@pytest.fixture
def failed(seed):
    """A run whose training failed; what comes after it has not begun."""
    run = seed.run(seed.version(), status=Status.RUNNING)
    seed.train(run, Status.FAILED, message="It diverged: lower the learning rate.")
    device = seed.device("Virtual board", "virtual")
    seed.step(run, "deploy", None, seed.planned_conversion(run), device=device, inputs={"board_images": 400})
    pipeline.advance(run)
    run.refresh_from_db()
    assert run.status == Status.FAILED
    return run


def finish_training(run):
    """Let the queued training succeed without running it."""
    job = job_of(Run.objects.get(pk=run.pk))
    job.move_to(Status.RUNNING)
    job.move_to(Status.SUCCEEDED)
    pipeline.after_job(job)


@pytest.mark.parametrize("way", WAYS)
def test_a_retried_step_revives_its_run_and_the_next_steps_follow(way, client, alice, failed):
    job = job_of(failed)
    assert WAYS[way](client, alice, job).status_code in (200, 201)
    failed.refresh_from_db()
    assert failed.status in (Status.QUEUED, Status.RUNNING) and failed.finished_at is None
    finish_training(failed)
    assert Job.objects.get(kind="convert").status == Status.QUEUED, "the conversion starts"


@pytest.mark.parametrize("way", WAYS)
def test_over_the_teams_quota_a_retry_is_refused_with_a_sentence(way, client, alice, failed, settings):
    settings.TEAM_QUEUED_JOBS = 1
    Seeder(failed.team, alice).job("train", "train", Status.QUEUED)
    answer = WAYS[way](client, alice, job_of(failed))
    assert answer.status_code in (200, 409)
    assert "waits already" in answer.content.decode()
    failed.refresh_from_db()
    assert failed.status == Status.FAILED and quotas.limits(failed.team).queued == 1
    assert not Job.objects.filter(retry_of=job_of(failed)).exists()


@pytest.mark.parametrize("way", ["page", "API"])
def test_a_second_retry_of_the_same_job_is_refused_with_a_sentence(way, client, alice, failed):
    job = job_of(failed)
    by_api(client, alice, job)
    answer = WAYS[way](client, alice, Job.objects.get(pk=job.pk))
    assert answer.status_code in (200, 409) and "already retried" in answer.content.decode()
    assert Job.objects.filter(kind="train").count() == 2


@pytest.mark.parametrize("way", ["page", "API"])
def test_a_retried_deployment_is_an_attempt_of_its_own(way, client, alice, seed):
    run = seed.run(seed.version(), status=Status.FAILED)
    seed.train(run)
    first = seed.deploy(run, seed.convert(run), seed.device("Virtual board", "virtual"), Status.FAILED)
    before = Deployment.objects.filter(pk=first.pk).values().get()
    WAYS[way](client, alice, first.job)
    run_queued_jobs()
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED
    assert Deployment.objects.filter(pk=first.pk).values().get() == before
    last = deployments_of(run).newest().get()
    assert last.pk != first.pk and last.job.retry_of == first.job and last.release
    assert step_jobs(run)[-1] == last.job
    again = WAYS[way](client, alice, first.job)
    assert "already retried" in again.content.decode()


def test_an_older_attempt_is_not_repeated_while_a_later_one_is_under_way(client, alice, seed):
    run = seed.run(seed.version())
    seed.train(run)
    model, device = seed.convert(run), seed.device("Virtual board", "virtual")
    first = seed.deploy(run, model, device, Status.FAILED)
    seed.deploy(run, model, device, Status.RUNNING, planned=False)
    answer = by_api(client, alice, first.job)
    assert answer.status_code == 409 and "under way already" in answer.json()["detail"]


def test_repeating_a_deployment_after_its_runs_success_leaves_the_run_as_it_was(client, alice, seed):
    run = seed.run(seed.version())
    seed.train(run)
    device = seed.device("Virtual board", "virtual")
    last = seed.deploy(run, seed.convert(run), device, Status.FAILED, planned=False)
    ended = Run.objects.get(pk=run.pk).finished_at
    assert by_api(client, alice, last.job).status_code == 201
    run_queued_jobs()
    run.refresh_from_db()
    assert (run.status, run.finished_at) == (Status.SUCCEEDED, ended)


@pytest.mark.parametrize("kind", ["deploy", "infer", "probe"])
@pytest.mark.parametrize("way", ["page", "API"])
def test_a_job_whose_device_was_removed_is_not_retried(way, kind, client, alice, seed):
    run, device = seed.run(seed.version()), seed.device("Virtual board", "virtual")
    seed.train(run)
    made = {
        "deploy": seed.deploy(run, seed.convert(run), device, Status.FAILED).job,
        "infer": seed.inference(device, status=Status.FAILED).job,
        "probe": device.probe_job,
    }
    Job.objects.filter(pk=device.probe_job_id).update(status=Status.FAILED)
    services.delete(device)
    answer = WAYS[way](client, alice, Job.objects.get(pk=made[kind].pk))
    assert answer.status_code in (200, 409)
    assert "what it was for was removed" in answer.content.decode()
    assert not Job.objects.filter(retry_of=made[kind]).exists()


def test_a_lost_deployment_that_a_person_began_anew_does_not_stop_the_reaper(seed):
    run, device = seed.run(seed.version()), seed.device("Virtual board", "virtual")
    seed.train(run)
    model = seed.convert(run)
    lost = seed.deploy(run, model, device, Status.RUNNING).job
    Job.objects.filter(pk=lost.pk).update(heartbeat_at=lost.queued_at - timedelta(hours=1))
    seed.deploy(run, model, device, Status.RUNNING, planned=False)
    jobs.reap()
    lost.refresh_from_db()
    assert (lost.status, lost.error_kind) == (Status.FAILED, "lost")
