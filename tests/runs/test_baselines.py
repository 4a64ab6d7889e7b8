"""A run on images from boards is compared with the model that ran there, on images that neither knew."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from portal.datasets import indexes
from portal.datasets.models import DatasetVersion
from portal.datasets.services import create_version
from portal.deployment.models import Deployment
from portal.jobs.models import Job, Status
from portal.runs import baseline_report, baselines, deletion, services
from portal.runs.models import Baseline
from portal.runs.plan import make_plan
from tests.datasets.index_builders import boxed, ready_version
from tests.factories import class_zip, zip_of
from tests.graphs import compiled_of
from tests.seed import Seeder
from workers.contract.messages import msg
from workers.datakit.index import Filter
from workers.datakit.marks import FROM_BOARD, mark


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


def test_two_detectors_are_compared_by_their_map_on_the_same_images(team, alice, run_jobs, alices):
    def trained(fill):
        version = ready_version(team, alice, "Boxes", fill=fill, class_names=["cat", "dog"], task="detection")
        run = services.create_run(make_plan(version, recipe="picodet_xs", chips=["rv1106"]), team, alice)
        run_jobs()
        return run

    first = trained(boxed)
    seed = Seeder(team, alice)
    device = seed.device("Bench")
    device.probe |= {"current": "boxes-1"}
    device.save()
    deployment = Deployment.objects.create(
        compiled_model=compiled_of(first).get(),
        device=device,
        job=seed.job("deploy", "deploy"),
        release="boxes-1",
        activated_at=timezone.now(),
    )
    source = {"device": "Bench", "taken_at": "2026-11-29T10:00:00+00:00", "release": deployment.release}

    def with_images_of_the_board(pack):
        boxed(pack, 32)
        for row in pack.rows[16:]:
            mark(row, FROM_BOARD, msg("{device} at {taken_at}, release {release}", **source))

    run = trained(with_images_of_the_board)
    row = Baseline.objects.get()
    assert row.job.status == Status.SUCCEEDED, row.job.message
    api = APIClient()
    api.force_authenticate(alice)
    told = api.get(f"/api/v1/runs/{run.pk}/report/").json()
    assert told["metric"]["title"] == "mAP"
    [told] = told["baselines"]
    sets = [told["held_out"], told["from_boards"]]
    assert [one["images"] for one in sets] == [4, 4] and (told["known"], told["in_training"]) == (0, 12)
    # The fake program finds no box of the first image that it is asked for, and both models none of another.
    assert [one["lost"] for one in sets] == [0, 0] and sum(one["gained"] for one in sets) == 1
    [better] = [one for one in sets if one["gained"]]
    [same] = [one for one in sets if not one["gained"]]
    assert better["deployed"] < better["new"] and same["deployed"] == same["new"] and same["changed"] == 0
    assert better["deployed_interval"] is None and not better["is_mixed"]
    page = alices.get(run.get_absolute_url()).content.decode()
    assert "mAP, both models in the simulator" in page and "may be chance" in page and "now runs" not in page
    device.probe |= {"current": "another-release"}
    device.save()
    page = alices.get(run.get_absolute_url()).content.decode()
    assert "Bench now runs another-release." in page


def test_a_figure_that_the_images_contradict_is_called_unclear():
    figures = {"images": 9, "before": 0.7, "after": 0.6, "before_interval": None, "after_interval": None,
               "changed": 9, "lost": 0, "gained": 9}  # fmt: skip
    assert baseline_report.Compared.of(figures).is_mixed
    assert not baseline_report.Compared.of(figures | {"after": 0.8}).is_mixed
    assert not baseline_report.Compared.of(figures | {"before": None, "after": None}).is_mixed
