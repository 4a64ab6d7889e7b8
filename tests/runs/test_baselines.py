"""A run on images from boards is compared with the model that ran there, on images that neither knew."""

from __future__ import annotations

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.datasets import indexes
from portal.datasets.models import DatasetVersion
from portal.datasets.services import create_version
from portal.jobs.models import Job, Status
from portal.runs import baselines, deletion, services
from portal.runs.models import Baseline
from portal.runs.plan import make_plan
from tests.factories import class_zip, zip_of
from tests.graphs import compiled_of
from tests.seed import Seeder
from workers.datakit.index import Filter


class Loop:
    """A deployed model of the first version, and a second version with images from its board."""

    def __init__(self, team, alice, run_jobs):
        self.team, self.alice, self.run_jobs = team, alice, run_jobs
        create_version(team, alice, "Pets", class_zip(images=10))
        run_jobs()
        self.first = self.run()
        self.seed = Seeder(team, alice)
        self.device = self.seed.device("Bench")
        self.deployment = self.seed.deploy(
            self.first, compiled_of(self.first).get(), self.device, planned=False
        )

    def add(self, release: str, count: int = 10):
        names = {
            f"{name}/board-{n}.png": (200, 20 * n, 9 + 90 * (name == "dog"))
            for name in ("cat", "dog")
            for n in range(count)
        }
        source = {"device": "Bench", "taken_at": "2026-11-29T10:00:00+00:00", "release": release}
        options = {"mode": "add", "sources": dict.fromkeys(names, source)}
        version = create_version(self.team, self.alice, "Pets", zip_of(names), options)
        self.run_jobs()
        version.refresh_from_db()
        assert version.is_ready, version.job.message
        return version

    def run(self):
        version = DatasetVersion.objects.filter(dataset__name="Pets").latest("number")
        run = services.create_run(make_plan(version, preset="fast", chips=("rv1106",)), self.team, self.alice)
        self.run_jobs()
        run.refresh_from_db()
        assert run.status == Status.SUCCEEDED, run.message
        return run


@pytest.fixture
def loop(team, alice, run_jobs):
    return Loop(team, alice, run_jobs)


def test_both_models_are_shown_on_held_out_images_and_on_those_from_boards_apart(loop, alices):
    assert not Baseline.objects.exists()  # no image of the first version is from a board
    loop.add(loop.deployment.release)
    run = loop.run()
    row = Baseline.objects.get()
    assert row.job.status == Status.SUCCEEDED, row.job.message
    assert (row.run, row.release, row.compiled_model) == (
        run,
        loop.deployment.release,
        loop.deployment.compiled_model,
    )
    api = APIClient()
    api.force_authenticate(loop.alice)
    [told] = api.get(f"/api/v1/runs/{run.pk}/report/").json()["baselines"]
    held_out, boards = told["held_out"], told["from_boards"]
    measured = run.dataset_version.val_images
    assert held_out["images"] + boards["images"] == measured and boards["images"] > 0
    assert told["in_training"] + boards["images"] == 20 and told["known"] == 0
    # The fake program gets the first image wrong, which was there before the boards sent any.
    assert (held_out["gained"], held_out["lost"], held_out["by_chance"]) == (1, 0, True)
    assert held_out["deployed"] < held_out["new"] == 1.0 and boards["deployed"] == boards["new"] == 1.0
    assert 0 < boards["deployed_interval"][0] < boards["deployed_interval"][1] > 0.99
    page = alices.get(reverse("run-detail", args=[run.pk])).content.decode()
    assert "Against the deployed model" in page and "judge neither model" in page
    assert "may be chance" in page and loop.deployment.release in page
    assert baselines.start(run, compiled_of(run).get()) is None and Baseline.objects.count() == 1
    _remove(run, loop.alice)
    assert not Baseline.objects.exists() and not Job.objects.filter(pk=row.job_id).exists()


def _remove(run, user) -> None:
    deletion.delete(run, user)
    run.deleted_at = run.deleted_at.replace(year=2020)
    run.save()
    deletion.sweep()


def test_images_that_were_taught_and_unknown_releases_are_left_out(loop, monkeypatch):
    version, model = loop.add("somebody-elses"), loop.deployment.compiled_model.model
    loop.run()
    row = Baseline.objects.get()
    assert row.job is None and "no deployed model to compare with" in row.problem
    whole = baselines.images_of(version, [model])
    assert whole.known == 0 and whole.held_out and whole.from_boards
    with indexes.opened(version) as index:
        taught = {row.sha256 for row in index.page(Filter(split="val"))}
    monkeypatch.setattr(baselines, "_taught", lambda _version, models: taught)
    found = baselines.images_of(version, [model])
    assert (found.all, found.known) == ([], len(whole.all))
