"""A detection set as a version: it is shown, exported, and trained on with a recipe of its task."""

import io
import zipfile
from dataclasses import replace

import pytest
from annotation_builders import BOXES, coco, coco_set, voc_set
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from upload_builders import zipped

from portal.core import configs
from portal.datasets.services import create_version
from portal.runs.plan import PlanError, make_plan


@pytest.fixture
def version(people, run_jobs, alice):
    upload = SimpleUploadedFile("boxes.zip", zipped(coco_set()))
    version = create_version(people["team"], alice, "Boxes", upload)
    run_jobs()
    version.refresh_from_db()
    return version


def test_a_detection_set_says_its_task_and_shows_its_pictures(version, client, alice):
    assert version.task == "detection" and version.is_ready
    client.force_login(alice)
    page = client.get(reverse("dataset-version", args=[version.pk])).content.decode()
    assert "COCO, with boxes" in page and "Train with it" in page
    answer = client.get(f"/api/v1/dataset-versions/{version.pk}/").json()
    assert answer["task"] == "detection" and answer["training_refusals"] == []


def test_a_run_with_a_recipe_of_another_task_is_refused_with_its_sentence(version, client, alice):
    client.force_login(alice)
    body = {"dataset_version": version.pk, "preset": "fast"}
    answer = client.post("/api/v1/runs/", body, "application/json")
    assert answer.status_code == 400
    assert "This is a dataset for detection and the recipe is for classification" in answer.content.decode()


def test_it_is_trained_with_the_first_preset_of_its_task(version, monkeypatch):
    recipe = replace(configs.recipes()["pp_lcnet_x1_0"], task="detection")
    recipes = {**configs.recipes(), recipe.name: recipe}
    monkeypatch.setattr(configs, "recipes", lambda: recipes)
    plan = make_plan(version, chips=["rv1106"])
    assert (plan.preset, plan.recipe) == ("balanced", "pp_lcnet_x1_0"), "the first preset for its task"
    with pytest.raises(
        PlanError, match="This is a dataset for detection and the recipe is for classification"
    ):
        make_plan(version, preset="fast", chips=["rv1106"])


def test_the_layout_of_an_upload_may_be_chosen(people, run_jobs, client, alice):
    client.force_login(alice)
    moved = {name: [(label, x + 3, y, w, h) for label, x, y, w, h in boxes] for name, boxes in BOXES.items()}
    files = zipped({**voc_set(), "VOC2007/Annotations/coco.json": coco(moved)})
    fields = {"name": "Both", "file": SimpleUploadedFile("both.zip", files)}
    numbers = []
    for layout in ({}, {"layout": "voc"}):
        answer = client.post("/api/v1/datasets/", {**fields, **layout})
        fields["file"].seek(0)
        numbers.append(answer.json()["id"])
    run_jobs()
    first, second = (client.get(f"/api/v1/dataset-versions/{pk}/").json() for pk in numbers)
    assert "choose the format coco or voc" in first["message"]
    assert (second["layout"], second["task"]) == ("Pascal VOC", "detection")
    assert client.post("/api/v1/datasets/", {**fields, "layout": "unknown"}).status_code == 400


def test_a_version_is_exported_to_whom_may_see_it(version, client, alice, charlie):
    client.force_login(alice)
    url = f"/api/v1/dataset-versions/{version.pk}/export/"
    answer = client.get(url, {"format": "yolo"})
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == 'attachment; filename="Boxes-v1-yolo.zip"'
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert "data.yaml" in archive.namelist() and archive.testzip() is None
    for wrong in ("folders", "cvat", ""):
        refusal = client.get(url, {"format": wrong})
        assert refusal.status_code == 400 and "format" in refusal.json()["errors"]
    assert client.get(url).status_code == 400
    client.force_login(charlie)
    assert client.get(url, {"format": "yolo"}).status_code == 404


def test_a_version_that_is_not_ready_is_not_exported(people, client, alice):
    version = create_version(people["team"], alice, "Boxes", SimpleUploadedFile("boxes.zip", b"x"))
    client.force_login(alice)
    answer = client.get(f"/api/v1/dataset-versions/{version.pk}/export/", {"format": "coco"})
    assert answer.status_code == 400 and "not ready" in answer.content.decode()
