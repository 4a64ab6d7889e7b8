"""The bundled samples: what is in them, and that they are one click away."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from django.urls import reverse
from PIL import Image

from portal.core import configs
from portal.datasets.models import DatasetVersion
from portal.datasets.samples import SAMPLES, scattered
from portal.tasks import TASKS


def drawn(canvases: int, seed: int = 0) -> bytes:
    archive = io.BytesIO()
    scattered.write(archive, canvases, seed)
    return archive.getvalue()


@pytest.mark.parametrize("task", SAMPLES)
def test_a_samples_preset_trains_its_task(task):
    assert task in TASKS
    assert configs.recipes()[configs.presets()[SAMPLES[task].preset].recipe].task == task


def test_the_same_seed_draws_the_same_canvases():
    assert drawn(3) == drawn(3) != drawn(3, seed=1)


def test_each_box_lies_on_its_canvas_and_on_no_other_box():
    archive = zipfile.ZipFile(io.BytesIO(drawn(60)))
    found = json.loads(archive.read("annotations.json"))
    boxes = {image["id"]: [] for image in found["images"]}
    for one in found["annotations"]:
        left, top, width, height = one["bbox"]
        assert 0 <= left < left + width <= scattered.SIDE and 0 <= top < top + height <= scattered.SIDE
        assert not any(scattered._touch(one["bbox"], other) for other in boxes[one["image_id"]])
        boxes[one["image_id"]].append(one["bbox"])
    assert {one["category_id"] for one in found["annotations"]} == set(range(10))
    assert [one["id"] for one in found["annotations"]] == list(range(1, 1 + len(found["annotations"])))
    assert [] in boxes.values(), "some canvases are bare"
    for image in found["images"]:
        with Image.open(io.BytesIO(archive.read(f"images/{image['file_name']}"))) as canvas:
            assert canvas.size == (image["width"], image["height"])


@pytest.mark.parametrize("name", ["dataset-digits", "dataset-scattered"])
def test_a_sample_pressed_again_leads_to_the_same_version(alices, transactional_db, name, monkeypatch):
    monkeypatch.setattr(scattered.write, "__defaults__", (5, 0))
    assert f'action="{reverse(name)}"' in alices.get(reverse("dataset-new")).content.decode()
    first = alices.post(reverse(name))
    version = DatasetVersion.objects.get()
    assert first["Location"] == reverse("dataset-version", args=[version.pk])
    assert alices.post(reverse(name))["Location"] == first["Location"]
    assert DatasetVersion.objects.count() == 1
