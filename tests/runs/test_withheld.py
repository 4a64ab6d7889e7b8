"""A run leaves a device alone that runs something better, and says so."""

import pytest
from django.utils import timezone

from portal.core import configs
from portal.datasets.services import create_version
from portal.deployment.models import Deployment
from portal.devices.models import Device
from portal.jobs.models import Job, Status
from portal.models.models import CompiledModel, Evaluation, Model
from portal.runs import services
from portal.runs.models import Run
from portal.runs.plan import make_plan
from portal.runs.report import report
from portal.tasks import Stage
from tests.factories import class_zip

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def version(team, alice, run_jobs):
    made = create_version(team, alice, "Pets", class_zip(("cat", "dog")))
    run_jobs()
    made.refresh_from_db()
    return made


@pytest.fixture
def device(team, alice) -> Device:
    profile = configs.boards()["virtual"]
    return Device.objects.create(
        team=team, name="Line 1", host="127.0.0.1", port=2222, username="root", profile=profile.name,
        host_key="ssh-ed25519 SHA256:x", created_by=alice,
    )  # fmt: skip


def runs_now(device: Device, version, value: float) -> Deployment:
    """The device runs a model of this version that was measured with this top-1."""
    team, done = version.team, {"status": Status.SUCCEEDED, "queue": "train"}
    model = Model.objects.create(
        task="classification",
        team=team, name="Earlier", recipe="pp_lcnet_x0_25", dataset_version=version,
        job=Job.objects.create(team=team, kind="train", **done),
    )  # fmt: skip
    job = Job.objects.create(team=team, kind="convert", **done)
    compiled = CompiledModel.objects.create(model=model, chip="rv1106", channel_order="bgr", job=job)
    Evaluation.objects.create(
        job=job, model=model, compiled_model=compiled, stage=Stage.SIMULATOR, engine="simulator", images=10,
        dataset_version=version, value=value, predictions="p.json",
    )  # fmt: skip
    return Deployment.objects.create(
        compiled_model=compiled, device=device, release="earlier", activated_at=timezone.now(),
        job=Job.objects.create(team=team, kind="deploy", **done),
    )  # fmt: skip


@pytest.fixture
def finished(version, device, team, alice, run_jobs, monkeypatch):
    """Call it to run to the end; the board's part succeeds at once."""
    from portal.jobs import kinds

    kind = kinds.get("deploy")
    monkeypatch.setitem(kinds._kinds, "deploy", _quick(kind))

    def run(**params) -> Run:
        plan = make_plan(version, preset="fast", devices=[device], params=params)
        made = services.create_run(plan, team, alice)
        run_jobs()
        made.refresh_from_db()
        return made

    return run


def _quick(kind):
    from dataclasses import replace

    return replace(kind, perform=lambda job, context: {}, complete=lambda job, result: None)


def deployed(run: Run) -> bool:
    return run.steps.get(kind="deploy").job is not None


def test_a_better_model_on_the_device_stays_and_the_run_says_so(finished, version, device):
    runs_now(device, version, value=0.99)
    run = finished()
    assert run.status == Status.SUCCEEDED and not deployed(run)
    withheld = run.steps.get(kind="deploy").withheld
    assert withheld.startswith("The model that Line 1 runs is better: 99.00 % against 95.00 %")
    assert "Line 1 keeps the model that it runs." in withheld
    assert withheld in report(run)["notices"]


def test_the_page_and_the_api_say_so(finished, version, device, alices):
    runs_now(device, version, value=0.99)
    run = finished()
    page = alices.get(run.get_absolute_url()).content.decode()
    assert "keeps its model" in page and "Line 1 keeps the model that it runs." in page
    steps = alices.get(f"/api/v1/runs/{run.pk}/").json()["steps"]
    assert "Line 1 keeps the model" in steps[-1]["withheld"] and steps[-1]["job"] is None


def test_who_asks_for_it_replaces_it_all_the_same(finished, version, device):
    runs_now(device, version, value=0.99)
    assert deployed(finished(replace_better=True))


@pytest.mark.parametrize("value", [0.95, 0.6])
def test_an_equal_or_better_model_replaces_it(finished, version, device, value):
    runs_now(device, version, value=value)
    assert deployed(finished())


def test_a_device_that_runs_nothing_gets_the_model(finished):
    assert deployed(finished())


def test_a_withheld_model_can_still_be_deployed_by_hand(finished, version, device, alice):
    runs_now(device, version, value=0.99)
    run = finished()
    assert services.deploy(run, device, alice).device == device


def test_a_retry_looks_again(finished, version, device, alice, run_jobs):
    now = runs_now(device, version, value=0.99)
    run = finished()
    now.delete()
    Run.objects.filter(pk=run.pk).update(status=Status.FAILED)
    run.refresh_from_db()
    services.retry_run(run, alice)
    run_jobs()
    assert deployed(run)
