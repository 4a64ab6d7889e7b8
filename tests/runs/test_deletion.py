"""Deleting a run: hidden, restored, removed with its files; what a board runs stays."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from portal.jobs.models import Artifact, IllegalTransition, Job, Status
from portal.models.models import CompiledModel, Model
from portal.runs import deletion, services, tags
from portal.runs.models import Run, Tag
from portal.teams.models import AuditEntry

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(days=8)


@pytest.fixture
def run(seed):
    run = seed.run(seed.version(), name="First")
    seed.train(run)
    seed.convert(run)
    return run


@pytest.fixture
def api(alice):
    client = APIClient()
    client.force_authenticate(alice)
    return client


def names(answer):
    return [row["name"] for row in answer.json()["results"]]


def test_a_deleted_run_is_hidden_with_its_models_and_restored(run, api, alice):
    assert api.delete(f"/api/v1/runs/{run.pk}/").status_code == 204
    for path in ("runs", "models", "compiled-models", "evaluations"):
        assert api.get(f"/api/v1/{path}/").json()["results"] == [], path
    assert names(api.get("/api/v1/runs/?deleted=true")) == ["First"]
    assert api.get("/api/v1/history/?kind=run").json()["results"] == []
    restored = api.post(f"/api/v1/runs/{run.pk}/restore/")
    assert (restored.status_code, restored.json()["deleted_at"]) == (200, None)
    assert names(api.get("/api/v1/runs/")) == ["First"]
    assert len(api.get("/api/v1/compiled-models/").json()["results"]) == 1
    assert set(AuditEntry.objects.values_list("verb", flat=True)) >= {"run.delete", "run.restore"}


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.CANCELLING])
def test_a_run_at_work_is_not_deleted(seed, api, status):
    run = seed.run(seed.version(), status=status)
    answer = api.delete(f"/api/v1/runs/{run.pk}/")
    assert answer.status_code == 409 and "cancel it" in answer.json()["detail"]


def test_a_run_whose_model_a_board_runs_is_not_deleted_and_the_board_is_named(run, seed, api):
    device = seed.device("Bench")
    compiled = CompiledModel.objects.get()
    deployment = seed.deploy(run, compiled, device)
    answer = api.delete(f"/api/v1/runs/{run.pk}/")
    assert answer.status_code == 409
    assert answer.json()["detail"] == ("A model of First runs on Bench: deploy another model there first.")
    other = seed.run(run.dataset_version, name="Second")
    seed.train(other)
    later = seed.deploy(other, seed.convert(other), device)
    type(later).objects.filter(pk=later.pk).update(activated_at=timezone.now())
    assert later.pk > deployment.pk
    assert api.delete(f"/api/v1/runs/{run.pk}/").status_code == 204


def test_a_run_whose_model_is_being_deployed_is_not_deleted(run, seed, alice):
    seed.deploy(run, CompiledModel.objects.get(), seed.device(), status=Status.RUNNING, planned=False)
    with pytest.raises(IllegalTransition, match="still running"):
        deletion.delete(run, alice)


def test_nothing_is_done_again_or_deployed_of_a_deleted_run(run, seed, api, alice):
    device = seed.device()
    Run.objects.update(status=Status.FAILED)
    deletion.delete(run, alice)
    run.refresh_from_db()
    assert api.post(f"/api/v1/runs/{run.pk}/retry/").status_code == 409
    body = {"run": run.pk, "device": device.pk}
    assert api.post("/api/v1/deployments/", body, format="json").status_code == 400
    with pytest.raises(IllegalTransition, match="restore it first"):
        services.deploy(run, device, alice)


def test_after_some_days_it_is_removed_with_its_files_and_nothing_else(
    run, seed, alice, django_capture_on_commit_callbacks
):
    other = seed.run(run.dataset_version, name="Second")
    seed.train(other)
    tags.set_tags(run, ["mine"])
    deployed = seed.deploy(run, CompiledModel.objects.get(), seed.device(), planned=False)
    type(deployed).objects.filter(pk=deployed.pk).update(activated_at=None)
    job = Model.objects.get(name="First").job
    name = default_storage.save("jobs/x/model.onnx", ContentFile(b"weights"))
    Artifact.objects.create(job=job, name="extra.bin", size=7, sha256="0" * 64, file=name)
    deletion.delete(run, alice)
    with django_capture_on_commit_callbacks(execute=True):
        deletion.sweep()
    assert default_storage.exists(name) and Run.objects.count() == 2
    Run.objects.filter(pk=run.pk).update(deleted_at=timezone.now() - LONG_AGO)
    with django_capture_on_commit_callbacks(execute=True):
        deletion.sweep()
    assert not default_storage.exists(name)
    assert [row.name for row in Run.objects.all()] == ["Second"]
    assert [row.name for row in Model.objects.all()] == ["Second"]
    assert set(Job.objects.values_list("kind", flat=True)) == {"ingest", "probe", "train"}
    assert not Tag.objects.exists() and not CompiledModel.objects.exists()


def test_what_a_board_runs_again_is_not_removed(run, seed, alice):
    deletion.delete(run, alice)
    Run.objects.update(deleted_at=timezone.now() - LONG_AGO)
    seed.deploy(run, CompiledModel.objects.get(), seed.device(), planned=False)
    deletion.sweep()
    assert Run.objects.count() == 1


def test_the_pages_ask_delete_list_and_restore(run, alices, client, bob):
    page = alices.get(reverse("run-delete", args=[run.pk])).content.decode()
    assert "Within 7 days it can be restored" in page
    answer = alices.post(reverse("run-delete", args=[run.pk]), follow=True)
    assert "No run yet" in answer.content.decode()
    assert "First" not in alices.get(reverse("model-list")).content.decode()
    assert "First" in alices.get(f"{reverse('run-list')}?status=deleted").content.decode()
    shown = alices.get(reverse("run-detail", args=[run.pk])).content.decode()
    assert "This run is deleted." in shown and reverse("run-restore", args=[run.pk]) in shown
    assert reverse("run-delete", args=[run.pk]) not in shown and "What next?" not in shown
    alices.post(reverse("run-restore", args=[run.pk]))
    assert Run.objects.get().deleted_at is None
    client.force_login(bob)
    assert client.post(reverse("run-delete", args=[run.pk])).status_code == 403


def test_the_page_says_why_a_run_stays(seed, alices):
    run = seed.run(seed.version(), status=Status.RUNNING)
    page = alices.get(reverse("run-delete", args=[run.pk])).content.decode()
    assert "cancel it or wait for it to finish" in page and "btn-danger" not in page
    assert alices.post(reverse("run-delete", args=[run.pk])).url == reverse("run-detail", args=[run.pk])
