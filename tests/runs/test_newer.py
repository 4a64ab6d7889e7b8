"""People are told once of a newer model of the dataset whose model a device runs."""

import pytest
from django.urls import reverse

from portal.devices import releases
from portal.models.models import Evaluation
from portal.notify.models import Notification
from portal.runs import newer, pipeline
from portal.runs.models import NewerModel, Run
from portal.tasks import Stage
from tests.seed import Seeder

pytestmark = pytest.mark.django_db


@pytest.fixture
def seed(team, alice):
    return Seeder(team, alice)


@pytest.fixture
def version(seed):
    return seed.version()


@pytest.fixture
def device(seed, version):
    """It runs the first model."""
    row = seed.device("Bench")
    trained(seed, version, "First", device=row)
    return row


def trained(seed, version, name, device=None, **fields):
    run = seed.run(version, name, **fields)
    seed.train(run)
    compiled = seed.convert(run)
    if device is not None:
        deployment = seed.deploy(run, compiled, device)
        device.__class__.objects.filter(pk=device.pk).update(
            reported_release=deployment.release, reported_at=seed.now
        )
        device.refresh_from_db()
    return run


def told():
    return Notification.objects.filter(event="device.newer", user__username="alice").count()


def test_people_are_told_once_and_the_pages_lead_to_the_deployment(seed, version, device, alices):
    run = trained(seed, version, "Second", status="running")
    pipeline.advance(run)
    assert Run.objects.get(pk=run.pk).status == "succeeded" and told() == 1
    newer.note(run)
    assert told() == 1 and NewerModel.objects.count() == 1
    page = alices.get(reverse("device-detail", args=[device.pk])).content.decode()
    assert "A newer model of the same dataset exists:" in page
    assert reverse("run-deploy", args=[run.pk]) in page
    assert "Newer model:" in alices.get(reverse("device-list")).content.decode()
    model = NewerModel.objects.get().model_id
    assert alices.get(f"/api/v1/devices/{device.pk}/").json()["newer_model"] == model
    assert alices.get("/api/v1/devices/").json()["results"][0]["newer_model"] == model


def test_a_device_that_runs_it_by_now_is_behind_nothing(seed, version, device):
    second = trained(seed, version, "Second")
    newer.note(second)
    assert releases.newer([device])
    trained(seed, version, "Third", device=device)
    assert releases.newer([device]) == {}


@pytest.mark.parametrize("other", ["dataset", "chip", "worse", "deleted"])
def test_other_data_another_chip_and_worse_models_are_no_news(seed, version, device, other):
    second = seed.run(seed.version("Other digits") if other == "dataset" else version, "Second")
    seed.train(second)
    compiled = seed.convert(second, chip="rk3588" if other == "chip" else "rv1106")
    if other == "worse":
        Evaluation.objects.filter(compiled_model=compiled, stage=Stage.SIMULATOR).update(value=0.1)
    newer.note(second)
    if other == "deleted":
        model = compiled.model
        model.deleted_at = seed.now
        model.save()
        assert releases.newer([device]) == {}
    else:
        assert told() == 0
