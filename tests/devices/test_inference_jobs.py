"""Questions to a board as the portal runs them: rows, job machine and pages."""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass, field

import pytest
from cryptography.fernet import Fernet
from django.urls import reverse
from PIL import Image

from portal.deployment import running
from portal.devices.models import Inference
from portal.devices.services import Credentials
from portal.jobs import services as jobs
from portal.jobs.models import Job, Status
from tests.devices.boards import COLOURS, needs_convert_environment, picture, until
from tests.devices.live import BEFORE, change_access, check_told, execute, text
from tests.jobs.helpers import executing, wait_for
from tests.ports import free_port

pytestmark = [pytest.mark.ssh, needs_convert_environment, pytest.mark.django_db(transaction=True)]


def encoded(colour: str, kind: str, mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 20), COLOURS[colour]).convert(mode).save(out, kind)
    return out.getvalue()


def page_of(inference) -> str:
    return reverse("inference-detail", args=[inference.device_id, inference.pk])


def test_pictures_of_any_format_are_answered_under_their_own_names(alices, rows):
    earlier = rows.deployed()
    inference = rows.asked(
        ("红 red.webp", encoded("red", "WEBP")),
        ("green.tiff", encoded("green", "TIFF")),
        ("blue.jpg", encoded("blue", "JPEG", "CMYK")),
        ("red.bmp", encoded("red", "BMP")),
        ("green.gif", encoded("green", "GIF")),
    )
    assert execute(inference.job).status == Status.SUCCEEDED
    inference.refresh_from_db()
    answers = [(row.name, row.prediction.get("label"), row.error) for row in inference.images.all()]
    assert answers == [
        ("红 red.webp", "red", ""),
        ("green.tiff", "green", ""),
        ("blue.jpg", "blue", ""),
        ("red.bmp", "red", ""),
        ("green.gif", "green", ""),
    ]
    assert all(row.milliseconds > 0 and row.prediction["score"] > 0.9 for row in inference.images.all())
    assert running.deployment_of(
        inference.device, inference.release
    ) == earlier and inference.engine.startswith("virtual: onnxruntime")
    page = text(alices, page_of(inference))
    assert "红 red.webp" in page and "not a board" in page


def test_labels_are_those_of_the_release_that_answered(rows):
    rows.deployed()
    rows.version.class_names = ["one", "two", "three"]
    rows.version.save()
    inference = rows.asked()
    execute(inference.job)
    assert inference.images.get().prediction.get("label") == "red", (
        "what the portal's newest row says is not asked"
    )


def test_a_question_that_waited_for_a_deployment_belongs_to_it(rows):
    rows.deployed()
    deployment = rows.started("Second")
    inference = rows.asked()
    execute(deployment.job)
    execute(inference.job)
    inference.refresh_from_db()
    assert running.deployment_of(inference.device, inference.release) == deployment


@dataclass(frozen=True)
class Fault:
    words: str
    orders: dict = field(default_factory=dict)
    device: dict = field(default_factory=dict)


FAULTS = {
    "unreachable": Fault("refused the connection: check the port", device={"port": free_port}),
    "wrong password": Fault(
        "refused the password of user root", device={"credentials": lambda: Credentials(password="guess")}
    ),
    "changed host key": Fault("another host key than the one pinned", {"other_host_key": True}),
    "full disk": Fault("is full:", {"disk_quota_bytes": 1000, "df_lies": True}),
    "no Python": Fault("has no command python: install Python 3.8", {"no_python": True}),
    "no vendor library": Fault("install the vendor's SDK", {"no_library": True}),
    "dropped connection": Fault("broke while running python", {"drop": {"match": "exec python slipway"}}),
    "power cut": Fault(
        "broke while running python", {"power_cut": {"match": "exit python slipway", "back_after": 0.2}}
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_and_a_retry_answers_once_it_is_gone(alices, renewed_board, rows, name):
    fault, board = FAULTS[name], renewed_board
    rows.deployed()
    inference = rows.asked()
    board.order(**fault.orders)
    change_access(rows.device, **{key: make() for key, make in fault.device.items()})
    job = execute(inference.job)
    check_told(alices, job, rows.device, fault.words, page_of(inference))
    assert board.holds() == ([BEFORE], BEFORE)
    assert inference.images.get().prediction == {}

    board.order()
    change_access(rows.device, port=board.state["port"])
    until(board.is_back, "the board to come back")
    assert execute(jobs.retry(job)).status == Status.SUCCEEDED
    assert inference.images.get().prediction.get("label") == "red"
    inbox = board.home / "slipway" / "inbox"
    assert name in ("dropped connection", "power cut") or list(inbox.iterdir()) == []
    rows.device.refresh_from_db()
    assert rows.device.problem == ""


def test_a_board_without_a_release_says_to_deploy_first(alices, renewed_board, rows):
    shutil.rmtree(renewed_board.home / "slipway" / "releases")
    inference = rows.asked()
    check_told(alices, execute(inference.job), rows.device, "deploy a model to it first", page_of(inference))


def test_another_encryption_key_asks_for_the_credentials_again(alices, rows, settings):
    inference = rows.asked()
    settings.ENCRYPTION_KEY = Fernet.generate_key().decode()
    check_told(alices, execute(inference.job), rows.device, "enter them again", page_of(inference))


def test_a_cancelled_question_stops_and_leaves_no_picture_on_the_board(renewed_board, rows):
    rows.deployed()
    (renewed_board.home / "slipway/releases" / BEFORE / "runner.py").write_text("import time\ntime.sleep(60)")
    inference = rows.asked(*[(f"{n}.png", picture("green")) for n in range(3)])
    with executing(inference.job):
        wait_for(lambda: Job.objects.get(pk=inference.job.pk).phase.startswith("running"), "the question")
        inbox = renewed_board.home / "slipway" / "inbox"
        wait_for(lambda: inbox.exists() and list(inbox.iterdir()), "the pictures to arrive")
        jobs.cancel(Job.objects.get(pk=inference.job.pk), by="alice")
    assert Job.objects.get(pk=inference.job.pk).status == Status.CANCELLED
    assert list(inbox.iterdir()) == []
    assert Inference.objects.get().images.exclude(label="").count() == 0
