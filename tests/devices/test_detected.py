"""What a detector found in a person's images: stored, told by the API, drawn on the page."""

from __future__ import annotations

import importlib

import pytest
from django.apps import apps
from django.urls import reverse

from portal.devices import shown
from portal.devices.inference import complete
from portal.devices.models import Device, Inference, InferenceImage
from portal.jobs.models import Job, Status

BOXES = [
    {"label_id": 1, "label": "dog", "score": 0.9, "box": [10, 20, 30, 40]},
    {"label_id": 1, "label": "dog", "score": 0.8, "box": [12, 20, 30, 40]},
    {"label_id": 0, "label": "<cat>", "score": 0.3, "box": [60, 5, 20, 10]},
    {"label_id": 0, "label": "<cat>", "score": 0.1, "box": [0, 0, 5, 5]},
    {"label_id": 0, "label": "<cat>", "score": 0.002, "box": [1, 1, 5, 5]},
]


@pytest.fixture
def inference(team, alice):
    job = Job.objects.create(
        team=team, created_by=alice, kind="infer", queue="deploy", status=Status.SUCCEEDED
    )
    device = Device.objects.create(team=team, created_by=alice, name="Bench", profile="virtual", host="x")
    inference = Inference.objects.create(device=device, team=team, job=job, created_by=alice)
    for position in range(2):
        name = f"{position}.png"
        InferenceImage.objects.create(
            inference=inference, position=position, name=f"photo {name}", file=name, width=100, height=80
        )
    answers = [
        {"image": "0.png", "task": "detection", "ms": 5.5, "boxes": BOXES[::-1]},
        {"image": "1.png", "error": "The board cannot read this image."},
    ]
    complete(job, {"answers": answers, "engine": "virtual", "release": "r1"})
    inference.refresh_from_db()
    return inference


def test_the_surest_boxes_are_kept_and_noise_is_not(inference):
    first, second = inference.images.all()
    assert inference.task == "detection" and first.prediction == {"boxes": BOXES[:4]}
    assert (second.prediction, second.error) == ({}, "The board cannot read this image.")


def test_the_api_tells_all_of_them_and_no_label_for_the_whole_image(inference, alices):
    told = alices.get(f"/api/v1/inferences/{inference.pk}/").json()
    assert told["task"] == "detection"
    first = told["images"][0]
    assert (first["width"], first["height"], first["prediction"]["boxes"]) == (100, 80, BOXES[:4])
    assert (first["label_id"], first["label"], first["score"]) == (None, "", None)


def test_they_are_told_as_a_coco_file(inference, alices, charlie, client):
    url = f"/api/v1/inferences/{inference.pk}/coco/"
    told = alices.get(url).json()
    assert told["categories"] == [{"id": 0, "name": "<cat>"}, {"id": 1, "name": "dog"}]
    assert told["images"][1] == {"id": 2, "file_name": "photo 1.png", "width": 100, "height": 80}
    assert [(one["id"], one["image_id"], one["score"]) for one in told["annotations"]] == [
        (1, 1, 0.9),
        (2, 1, 0.3),
    ]
    all_of_them = alices.get(url, {"score": 0, "overlap": 1}).json()["annotations"]
    assert len(all_of_them) == 4 and all_of_them[1]["bbox"] == [12, 20, 30, 40]
    assert alices.get(url, {"score": 2}).status_code == 400
    client.force_login(charlie)
    assert client.get(url).status_code == 404


def test_the_page_draws_them_with_their_names_and_hides_what_the_thresholds_leave_out(inference, alices):
    url = reverse("inference-detail", args=[inference.device_id, inference.pk])
    page = alices.get(url).content.decode()
    assert 'viewBox="0 0 100 80"' in page and page.count("<rect ") == 4 and "2 boxes" in page
    assert page.count(" hidden><rect") == 2 and "&lt;cat&gt;" in page and "<cat>" not in page
    assert "The board cannot read this image." in page
    every = alices.get(url, {"score": "0.05", "overlap": "1"}).content.decode()
    assert "4 boxes" in every and " hidden><rect" not in every
    assert "2 boxes" in alices.get(url, {"score": "much", "overlap": "nan"}).content.decode()
    file = alices.get(reverse("inference-coco", args=[inference.device_id, inference.pk]), {"score": "0.5"})
    assert len(file.json()["annotations"]) == 1 and "attachment" in file["Content-Disposition"]
    assert "2 boxes" in alices.get(reverse("device-detail", args=[inference.device_id])).content.decode()


def test_a_library_that_gives_no_faint_boxes_is_named_where_they_are_asked_for(inference, alices):
    image = inference.images.first()
    image.prediction = {"boxes": BOXES[:1], "least_score": 0.5}
    image.save()
    url = reverse("inference-detail", args=[inference.device_id, inference.pk])
    assert "gives no boxes below 50 %" in alices.get(url).content.decode()
    assert "gives no boxes" not in alices.get(url, {"score": "0.6"}).content.decode()


def test_a_page_of_many_pictures_draws_the_surest_boxes_of_each(inference, alices, monkeypatch):
    monkeypatch.setattr(shown, "LEAST_BOXES", 1)
    monkeypatch.setattr(shown, "MOST_BOXES", 4)
    url = reverse("inference-detail", args=[inference.device_id, inference.pk])
    page = alices.get(url).content.decode()
    assert page.count("<rect ") == 2 and "The 2 surest boxes are drawn" in page


def test_earlier_answers_become_predictions_of_classification(inference):
    Inference.objects.update(task="")
    image = inference.images.last()
    InferenceImage.objects.filter(pk=image.pk).update(label_id=3, label="hen", score=0.75)
    importlib.import_module("portal.devices.migrations.0005_predictions").fill(apps, None)
    image.refresh_from_db()
    inference.refresh_from_db()
    assert image.prediction == {"label_id": 3, "label": "hen", "score": 0.75}
    assert inference.task == "classification"
