"""The score from which a detector's boxes are shown, chosen on the page of its run or by the API."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.deployment.models import Deployment
from portal.devices.models import Device, Inference, InferenceImage
from portal.devices.releases import KnownRelease
from portal.devices.thresholds import forgiving
from portal.models import board_code
from portal.models.lineage import provenance
from portal.models.models import Model
from portal.prelabelling import services as prelabelling
from portal.runs.plan import make_plan
from portal.runs.services import create_run
from portal.teams.models import AuditEntry
from tests.datasets.index_builders import boxed, ready_version
from tests.graphs import compiled_of, model_of


@pytest.fixture
def run(run_jobs, team, alice):
    version = ready_version(team, alice, "Street", fill=boxed, class_names=["car", "tram"], task="detection")
    run = create_run(make_plan(version, recipe="picodet_xs", chips=["rv1106"]), team, alice)
    run_jobs()
    return run


def test_the_page_of_a_run_chooses_it_and_takes_it_back(run, alices, alice):
    report = reverse("run-parity", args=[run.pk])
    assert "show boxes from a score of 25 % on" in alices.get(report).content.decode()
    page = alices.get(run.get_absolute_url()).content.decode()
    assert 'name="percent"' in page and 'placeholder="25"' in page
    address = reverse("run-threshold", args=[run.pk])
    assert alices.post(address, {"percent": "37"}).url.endswith("#classes")
    assert model_of(run).score_threshold == 0.37
    assert "show boxes from a score of 37 % on" in alices.get(report).content.decode()
    assert alices.get(f"/api/v1/runs/{run.pk}/parity/").json()["score_threshold"] == 0.37
    assert 'value="37"' in alices.get(run.get_absolute_url()).content.decode()
    assert AuditEntry.objects.filter(verb="model.threshold", detail__contains="37 %").exists()
    alices.post(address, {"percent": ""})
    assert model_of(run).score_threshold is None
    refused = alices.post(address, {"percent": "101"}, follow=True).content.decode()
    assert "Give a score from 0 to 100 %" in refused


def test_programs_for_boards_and_proposals_use_it(run):
    model = model_of(run)
    texts = [program.text for program in board_code.programs(compiled_of(run).get())]
    assert texts and all("0.25" in text for text in texts)
    Model.objects.update(score_threshold=0.37)
    texts = [program.text for program in board_code.programs(compiled_of(run).get())]
    assert texts and all("0.37" in text and "0.25," not in text for text in texts)
    assert provenance(compiled_of(run).get())["score_threshold"] == "0.37"
    assert prelabelling.usual_score(model) == 0.4
    assert prelabelling.usual_score(model_of(run)) == 0.37


def test_predictions_of_a_device_are_shown_from_it_on_unless_the_page_says_otherwise():
    known = KnownRelease("r1", "Street v3", "/runs/1/", score=0.37)
    assert forgiving({}, known).score == 0.37
    assert forgiving({"score": "0.6"}, known).score == 0.6
    assert forgiving({"score": "nan"}, known).score == 0.37
    assert forgiving({}, None).score == forgiving({}, KnownRelease("r", "n", "u")).score == 0.25


def test_the_boxes_of_an_inference_follow_the_model(run, team, alice, alices, run_jobs):
    device = Device.objects.create(
        team=team, created_by=alice, name="Gate", host="127.0.0.1", profile="lockzhiner"
    )
    compiled = compiled_of(run).get()
    Deployment.objects.create(
        device=device, compiled_model=compiled, release="r1", job=compiled.job, activated_at=run.created_at
    )
    row = Inference.objects.create(
        team=team, device=device, job=compiled.job, created_by=alice, release="r1", task="detection"
    )
    boxes = [
        {"label_id": 0, "label": "car", "score": score, "box": [1, 1 + 20 * n, 9, 9]}
        for n, score in enumerate((0.9, 0.3))
    ]
    InferenceImage.objects.create(
        inference=row, position=0, name="a.png", width=64, height=48, prediction={"boxes": boxes}
    )
    address = f"/api/v1/inferences/{row.pk}/coco/"
    api = APIClient()
    api.force_authenticate(alice)
    assert len(api.get(address).json()["annotations"]) == 2
    Model.objects.update(score_threshold=0.5)
    assert len(api.get(address).json()["annotations"]) == 1
    assert len(api.get(address + "?score=0.1").json()["annotations"]) == 2


def test_programs_choose_it_and_a_classifier_has_none(run, team, alice, bob):
    model = model_of(run)
    api = APIClient()
    api.force_authenticate(alice)
    address = f"/api/v1/models/{model.pk}/"
    changed = api.patch(address, {"score_threshold": 0.42}, format="json")
    assert changed.status_code == 200 and changed.json()["score_threshold"] == 0.42
    assert api.patch(address, {"score_threshold": 1.2}, format="json").status_code == 400
    Model.objects.filter(pk=model.pk).update(task="classification")
    refused = api.patch(address, {"score_threshold": 0.42}, format="json")
    assert refused.status_code == 400
    assert "has no score threshold" in refused.json()["errors"]["score_threshold"][0]
    api.force_authenticate(bob)
    assert api.patch(address, {"score_threshold": 0.42}, format="json").status_code == 403
