"""A detector is deployed to the virtual board, measured there, and asked by a person."""

from __future__ import annotations

import json
import shutil

import pytest
from django.urls import reverse

from portal.core import configs
from portal.devices.models import Device
from portal.jobs.models import Status
from portal.models.models import CompiledModel, Evaluation, Model
from portal.runs import pipeline
from tests.devices.boards import make_tiny_model, needs_convert_environment, picture
from tests.devices.live import VALIDATION, Rows, execute, text, without_broker
from tests.graphs import deployments_of
from workers.datakit.scoring.detection import summarise

pytestmark = [pytest.mark.ssh, needs_convert_environment, pytest.mark.django_db(transaction=True)]
WIDTH, HEIGHT = 20, 30  # of the validation images, each of one colour: every cell of the grid is a box of it
CLASSES = {2: 0, 0: 1}  # red and blue are found, green is not


def grid(colour: int) -> list[dict]:
    label, size = CLASSES.get(colour), (WIDTH / 4, HEIGHT / 4)
    places = [(x * size[0], y * size[1]) for x in range(4) for y in range(4)]
    return [] if label is None else [{"label": label, "box": [*place, *size]} for place in places]


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("detector"), "make_tiny_detector.py")


@pytest.fixture(scope="module")
def open_detector(tmp_path_factory):
    folder = tmp_path_factory.mktemp("open")
    return make_tiny_model(folder, "make_tiny_detector.py", "open", chip="rk3588")


def prepared(team, alice, renewed_board, detector, family="picodet", profile="virtual"):
    """A deployment of a detector whose simulator found every box."""
    rows = Rows(team, alice, renewed_board, detector)
    rows.version.class_names, rows.version.task = ["red", "blue"], "detection"
    rows.version.save()
    run = rows.run("Squares")
    type(run).objects.filter(pk=run.pk).update(task="detection", recipe="picodet_xs")
    facts = {"input_size": [64, 64], "mean": [0, 0, 0], "std": [1, 1, 1], "detector": family}
    Model.objects.update(task="detection", recipe="picodet_xs", facts=facts)
    predictions = [
        {"image": image, "width": WIDTH, "height": HEIGHT, "truth": grid(colour),
         "boxes": [{**box, "score": 0.9} for box in grid(colour)]}
        for image, colour in VALIDATION.items()
    ]  # fmt: skip
    simulator = Evaluation.objects.get(stage="simulator")
    artifact = simulator.job.artifacts.get(name=simulator.predictions)
    with artifact.file.storage.open(artifact.file.name, "wb") as target:
        target.write(json.dumps(predictions).encode())
    metrics = summarise(predictions, rows.version.class_names)
    Evaluation.objects.filter(pk=simulator.pk).update(metrics=metrics, value=metrics["map"])
    target = {
        "chip": configs.boards()[profile].chip,
        "channel_order": configs.boards()[profile].channel_order,
    }
    CompiledModel.objects.update(**target)
    Device.objects.update(profile=profile)
    run.steps.filter(kind="convert").update(inputs=target)
    pipeline.advance(type(run).objects.get(pk=run.pk))
    deployment = deployments_of(run).select_related("job", "device").get()
    deployment.rows = rows
    return deployment


@pytest.fixture
def deployment(team, alice, renewed_board, detector, monkeypatch):
    without_broker(monkeypatch)
    return prepared(team, alice, renewed_board, detector)


@pytest.fixture
def open_deployment(team, alice, renewed_board, open_detector, monkeypatch):
    without_broker(monkeypatch)
    yield prepared(team, alice, renewed_board, open_detector, "yolov6", "virtual-rk3588")
    shutil.rmtree(renewed_board.home / "slipway-rk3588", ignore_errors=True)


def test_it_is_measured_on_the_board_and_its_boxes_are_shown(alices, deployment):
    job = execute(deployment.job)
    assert job.status == Status.SUCCEEDED, job.message
    measured = Evaluation.objects.get(stage="board")
    # The vendor's library cuts boxes off to whole pixels, which boxes of 5 × 7.5 pixels feel.
    assert measured.metrics["ap50"] > 0.6 and measured.parity["agreement"] > 0.6
    deployment.refresh_from_db()
    assert deployment.placed["score_threshold"] == 0.25
    assert measured.parity["stage"] == "simulator" and measured.metrics["boxes"] == 64
    assert measured.metrics["images"] == 6 and measured.metrics["ms_median"] > 0
    assert CompiledModel.objects.get().model.task == "detection"
    inference = deployment.rows.asked(("red.png", picture("red")), ("green.png", picture("green")))
    assert execute(inference.job).status == Status.SUCCEEDED
    inference.refresh_from_db()
    assert inference.task == "detection"
    red, green = inference.images.all()
    assert (red.width, red.height) == (WIDTH, HEIGHT) and green.prediction["boxes"] == []
    assert {box["label"] for box in red.prediction["boxes"]} == {"red"}
    page = text(alices, reverse("inference-detail", args=[deployment.device_id, inference.pk]))
    assert "16 boxes" in page and "0 boxes" in page and 'viewBox="0 0 20 30"' in page


def test_a_board_that_does_not_find_them_keeps_its_earlier_release(alices, renewed_board, deployment):
    renewed_board.order(wrong_answer=True)
    job = execute(deployment.job)
    assert job.status == Status.FAILED and "golden images" in job.message and "16 of 16 boxes" in job.message


def test_a_detector_that_is_decoded_on_an_open_board_gives_the_boxes_that_were_measured(
    alices, open_deployment
):
    job = execute(open_deployment.job)
    assert job.status == Status.SUCCEEDED, job.message
    measured = Evaluation.objects.get(stage="board")
    assert (
        measured.metrics["map"] == 1 and measured.parity["agreement"] == 1 and measured.metrics["boxes"] == 64
    )
    assert measured.engine.startswith("virtual: onnxruntime")
    inference = open_deployment.rows.asked(("red.png", picture("red")))
    assert execute(inference.job).status == Status.SUCCEEDED
    boxes = inference.images.get().prediction["boxes"]
    assert len(boxes) == 16 and boxes[0]["box"][2:] == [WIDTH / 4, HEIGHT / 4]
    page = text(alices, reverse("device-detail", args=[open_deployment.device_id]))
    assert "virtual</strong>: onnxruntime" in page or "virtual: onnxruntime" in page


def test_a_board_that_gives_other_boxes_than_were_measured_gets_no_release(renewed_board, open_deployment):
    renewed_board.order(wrong_answer=True)
    job = execute(open_deployment.job)
    assert job.status == Status.FAILED and "golden images" in job.message
