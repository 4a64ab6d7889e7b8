"""A device takes pictures by itself, with its camera made of software."""

import pytest
from rest_framework.test import APIClient

from portal.camera import capture, services
from portal.camera.models import Capture
from portal.camera.refused import CaptureRefused
from portal.devices.camera_stream import CameraStream
from portal.devices.errors import ConnectionLost
from portal.jobs.models import Status
from tests.devices.live import BEFORE, check_told, execute
from tests.factories import png
from workers.contract.messages import msg

pytestmark = pytest.mark.ssh


@pytest.fixture
def draft(rows, camera_board):
    return services.begin(rows.team, rows.user, "Bolts", "classification")


def start(rows, draft, **order):
    order = {"class_name": "bolt", "every_ms": 0, "size": (160, 120)} | order
    return capture.start(draft, rows.user, rows.device, capture.Order(**order))


def test_the_pictures_land_in_the_draft_with_their_class_device_and_release(rows, draft, client):
    job = execute(start(rows, draft, count=4).job)
    assert job.status == Status.SUCCEEDED, job.message
    pictures = list(draft.images.all())
    assert len(pictures) == 4 and {(one.width, one.height) for one in pictures} == {(160, 120)}
    assert {(one.class_name, one.device, one.release) for one in pictures} == {("bolt", rows.device, BEFORE)}
    client.force_login(rows.user)
    page = client.get(f"/camera/{draft.pk}/").content.decode()
    assert f"/jobs/{job.pk}/" in page and "4 images" in page


def test_a_link_that_is_cut_costs_no_picture_and_doubles_none(rows, draft, monkeypatch):
    taken, real = [], CameraStream.next

    def cut(stream):
        taken.append(real(stream))
        if len(taken) in (2, 3, 5):
            raise ConnectionLost(msg("The link is cut: try again."))
        return taken[-1]

    monkeypatch.setattr(CameraStream, "next", cut)
    job = execute(start(rows, draft, count=5).job)
    assert job.status == Status.SUCCEEDED, job.message
    assert len({one.key for one in draft.images.all()}) == draft.images.count() == 5


@pytest.mark.parametrize(
    "fault, words", [("none", "has no camera"), ("busy", "cannot be opened"), ("black", "black images")]
)
def test_a_camera_that_gives_nothing_is_told_everywhere(rows, draft, camera_board, client, fault, words):
    camera_board.order(camera=fault)
    client.force_login(rows.user)
    check_told(client, execute(start(rows, draft, count=2).job), rows.device, words, is_camera=True)
    assert not draft.images.exists()


def test_a_retry_takes_only_the_pictures_that_are_missing(rows, draft):
    made = start(rows, draft, count=3)
    services.store(draft, f"capture-{made.pk}-00001", png(), taken_at=draft.created_at)
    job = execute(made.job)
    assert job.status == Status.SUCCEEDED and draft.images.count() == 3


@pytest.mark.parametrize(
    "order, field",
    [
        ({"count": 0}, "count"),
        ({"count": 9999}, "count"),
        ({"every_ms": -1}, "every_ms"),
        ({"size": (641, 480)}, "width"),
        ({"size": (4096, 480)}, "width"),
    ],
)
def test_an_order_beyond_the_bounds_is_refused_at_its_field(rows, draft, order, field):
    with pytest.raises(CaptureRefused) as refusal:
        start(rows, draft, **order)
    assert refusal.value.field == field and not Capture.objects.exists()


def test_the_api_orders_a_capture_for_ones_own_draft_only(rows, draft, people):
    client = APIClient()
    client.force_authenticate(rows.user)
    order = {"draft": draft.pk, "device": rows.device.pk, "count": 2, "class_name": "bolt"}
    made = client.post("/api/v1/captures/", order, format="json")
    assert made.status_code == 202 and made.json()["job"]["kind"] == "capture"
    assert client.get(f"/api/v1/captures/{made.json()['id']}/").json()["count"] == 2
    assert client.delete(f"/api/v1/capture-drafts/{draft.pk}/").json()["errors"], "its job is active"
    charlie = APIClient()
    charlie.force_authenticate(people["charlie"])
    assert charlie.post("/api/v1/captures/", order, format="json").status_code == 400
    assert charlie.get(f"/api/v1/captures/{made.json()['id']}/").status_code == 404
