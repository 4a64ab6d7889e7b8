"""A picture that is unlike all that its model was trained on is told so, where that can be told."""

from __future__ import annotations

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.deployment import likeness
from portal.deployment.models import Deployment
from portal.devices import inference, releases
from portal.devices.models import InferenceImage
from portal.models.models import Model
from tests.datasets.index_builders import ready_version
from tests.seed import everything

pytestmark = pytest.mark.django_db
SENTENCE = "Unlike any image that the model was trained on"


def gray(level: int) -> bytes:
    return bytes((level + place % 5) % 256 for place in range(256))


def levels(pack) -> None:
    """A set of nearly even pictures of levels 0 to 159, each fourth for validation."""
    for level in range(160):
        pack.add((level, 0, 0), class_id=level % 3, gray=gray(level))


@pytest.fixture
def rows(team, alice):
    found = everything(team, alice)
    Model.objects.update(dataset_version=ready_version(team, alice, "Levels", fill=levels))
    return found


@pytest.fixture
def image(rows) -> InferenceImage:
    return rows["inference"].images.first()


def page(client, inference) -> str:
    address = reverse("inference-detail", args=[inference.device_id, inference.pk])
    return " ".join(client.get(address).content.decode().split())


def test_a_picture_far_from_all_training_images_is_unlike_them(rows):
    deployment = rows["inference"].device.deployments.latest("pk")
    found = releases.unlikeness(deployment.device, deployment.release, {"near": gray(9), "far": gray(220)})
    assert found["near"] <= 1 < found["far"]


def test_of_a_release_that_is_not_known_or_a_lost_index_nothing_is_told(rows):
    assert releases.unlikeness(rows["virtual"], "somebody's own", {"a": gray(200)}) == {}
    deployment = Deployment.objects.latest("pk")
    version = deployment.compiled_model.model.dataset_version
    version.index.storage.delete(version.index.name)
    assert likeness.unlikeness(deployment, {"a": gray(200)}) == {}


def test_the_page_and_the_api_tell_it(client, alice, rows, image):
    client.force_login(alice)
    api = APIClient()
    api.force_authenticate(alice)
    address = f"/api/v1/inferences/{image.inference_id}/"
    assert SENTENCE not in page(client, image.inference)
    assert api.get(address).json()["images"][0]["unlike"] is None
    for unlikeness, unlike in ((0.8, False), (1.6, True)):
        InferenceImage.objects.filter(pk=image.pk).update(unlikeness=unlikeness)
        assert page(client, image.inference).count(SENTENCE) == unlike
        told = api.get(address).json()["images"][0]
        assert (told["unlike"], told["unlikeness"]) == (unlike, unlikeness)


def test_the_job_stores_what_was_told(rows, image):
    name = image.file.name.rpartition("/")[2]
    answers = [{"image": name, "label_id": 0, "label": "0", "score": 0.9, "ms": 5.0}]
    result = {"answers": answers, "engine": "x", "release": None, "unlikeness": {name: 1.4}}
    inference.complete(image.inference.job, result)
    image.refresh_from_db()
    assert image.unlike
