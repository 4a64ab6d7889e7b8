"""A dataset with a test split: the final figures are those of its images, and everything says so."""

from __future__ import annotations

import pytest
from django.urls import reverse

from portal.datasets.services import create_version
from portal.jobs.models import Status
from portal.models.models import Evaluation
from portal.runs.plan import make_plan
from portal.runs.report import report
from portal.runs.services import create_run
from tests.factories import zip_of


@pytest.fixture
def run(team, alice, run_jobs):
    files = {f"{split}/{name}/{n}.png": (7 * n, len(split), len(name)) for name in ("cat", "horse")
             for split, count in (("train", 6), ("val", 3), ("test", 2)) for n in range(count)}  # fmt: skip
    version = create_version(team, alice, "Pets", zip_of(files))
    run = create_run(make_plan(version, preset="fast", chips=["rv1106"]), team, alice)
    run_jobs()
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED, run.message
    return run


def test_every_stage_is_measured_on_the_test_images(run):
    version = run.dataset_version
    assert (version.train_images, version.val_images, version.test_images) == (12, 6, 4)
    stages = Evaluation.objects.values_list("stage", "split", "images").order_by("stage")
    assert list(stages) == [("onnx", "test", 4), ("paddle", "test", 4), ("simulator", "test", 4)]


def test_page_report_and_api_say_that_it_is_the_test_split(run, alices):
    page = alices.get(run.get_absolute_url()).content.decode()
    assert "on 4 test images" in page and "12 training, 6 validation, 4 test" in page
    assert "optimistic" not in page
    assert (report(run)["split"], report(run)["dataset"]["test_images"]) == ("test", 4)
    answer = alices.get(f"/api/v1/runs/{run.pk}/").json()
    assert {row["split"] for row in answer["evaluations"]} == {"test"} and answer["verdict"]["note"] == ""


def test_a_version_shows_its_three_splits(run, alices):
    page = alices.get(reverse("dataset-version", args=[run.dataset_version_id])).content.decode()
    assert "12 + 6 + 4" in page and "training + validation + test" in page
    dataset = alices.get(reverse("dataset-detail", args=[run.dataset_version.dataset_id])).content.decode()
    assert ">Test</th>" in dataset
