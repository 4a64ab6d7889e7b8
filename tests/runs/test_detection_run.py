"""A run on a detection set, from plan to pages, with programs that speak the contract."""

from __future__ import annotations

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.jobs.models import Status
from portal.models.models import Evaluation
from portal.runs import improving
from portal.runs.models import Run
from portal.runs.plan import make_plan
from portal.runs.report import report
from portal.runs.services import create_run
from portal.training import methods
from portal.training.methods import DISTILLATION, METHODS, QAT
from tests.datasets.index_builders import boxed, ready_version
from tests.graphs import model_of


@pytest.fixture
def run(run_jobs, team, alice):
    version = ready_version(team, alice, "Boxes", fill=boxed, class_names=["cat", "dog"], task="detection")
    run = create_run(make_plan(version, recipe="picodet_xs", chips=["rv1106"]), team, alice)
    run_jobs()
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED, run.message
    return run


def test_it_is_measured_by_map_and_compared_stage_by_stage(run):
    told = report(run)
    assert (run.task, told["metric"]) == ("detection", {"name": "map", "title": "mAP"})
    assert (told["paddle_value"], told["models"][0]["int8_value"]) == (0.96, 0.95)
    simulator = Evaluation.objects.get(stage="simulator")
    assert simulator.parity["agreement"] == 1 and simulator.metrics["ap50"] == pytest.approx(0.5, abs=0.02)


def test_its_page_shows_classes_and_curves_by_their_names(run, alices):
    page = alices.get(run.get_absolute_url()).content.decode()
    for words in ("mAP and AP50, %", ">AP50</th>", "96.00 %", "View all mistakes", "· AP50 50.50 %"):
        assert words in page, words
    assert "Score threshold" in page and 'id="threshold-data"' in page and "table-active" in page
    assert "Top-1" not in page and "Confusion matrix" not in page


def test_its_mistakes_are_drawn_over_the_pictures(run, alices):
    page = alices.get(reverse("run-mistakes", args=[run.pk])).content.decode()
    assert "2 missed, 0 extra" in page and "most mistakes first" in page
    assert page.count("box-lost") == 3, "two boxes and the legend"
    assert 'viewBox="0 0 64 48"' in page and ">dog</text>" in page


def test_boxes_that_changed_on_the_way_are_drawn_over_each_other(run, alices):
    simulator = Evaluation.objects.get(stage="simulator")
    simulator.parity |= {"changed": 1}
    simulator.save()
    artifact = simulator.job.artifacts.get(name=simulator.predictions)
    with artifact.file.storage.open(artifact.file.name, "rb") as source:
        content = source.read().replace(b'"score": 0.9', b'"score": 0.1')
    with artifact.file.storage.open(artifact.file.name, "wb") as target:
        target.write(content)
    page = alices.get(run.get_absolute_url()).content.decode()
    assert "2 boxes → 0 boxes" in page and "found before only" in page and 'class="box box-lost"' in page
    parity = alices.get(reverse("run-parity", args=[run.pk])).content.decode()
    assert parity.count('class="sides"') == 1 and "drift " in parity
    assert "2 images are too few to tell any loss from chance." in parity


def test_it_is_improved_by_every_method(run, run_jobs, alice):
    client = APIClient()
    client.force_authenticate(alice)
    params = {"input_size": [192, 192], "epochs": 2}
    for method in METHODS:
        body = {"method": method, "params": params}
        if method == QAT:
            body |= {"anyway": True}
        if method == DISTILLATION:
            body |= {"teacher": model_of(run).pk, "unlabelled": run.dataset_version_id}
        answer = client.post(f"/api/v1/runs/{run.pk}/improve/", body, format="json")
        assert answer.status_code == 201, answer.json()
    made = Run.objects.get(pk=answer.json()["id"])
    run_jobs()
    assert [one.status for one in Run.objects.filter(cloned_from=run)] == [Status.SUCCEEDED] * len(METHODS)
    assert model_of(made).parent == model_of(run)


def test_its_teacher_may_read_images_at_another_size(run, alice, tmp_path):
    plan = improving.make_plan(
        run,
        DISTILLATION,
        {"input_size": [192, 192]},
        teacher=model_of(run),
        unlabelled=run.dataset_version,
    )
    made = model_of(create_run(plan, run.team, alice, run))
    assert methods.inputs(made, tmp_path)["teacher"].endswith("teacher.onnx")
    told = methods.settings(made)["teacher"]
    assert (told["input_size"], len(told["mean"])) == (model_of(run).params["input_size"], 3)
    assert told["input_size"] != made.params["input_size"]
