"""Live views: one per device, with predictions, for as long as somebody watches and nobody else needs it."""

import io
import json
import random
import struct

import pytest
from django.urls import reverse
from PIL import Image

from portal.camera import black, capture, comparing, live, live_views, services
from portal.camera.models import LiveView
from portal.camera.refused import CaptureRefused
from portal.core import relay
from portal.deployment.steps import deploy
from portal.devices import seen
from portal.devices import services as devices
from portal.devices.camera_stream import Frame
from portal.devices.models import Device
from portal.jobs.models import Status
from tests.devices import boards
from tests.devices.live import BEFORE, check_told, execute

pytestmark = pytest.mark.ssh


class Publisher:
    """Takes what would go to the broker; ``watchers`` web processes want it."""

    watchers = 1
    frames: list = []

    def __init__(self, channel):
        type(self).channel = channel

    def publish(self, fields, data=b""):
        self.frames.append((fields, data))
        return self.watchers

    def close(self):
        pass


@pytest.fixture
def frames(monkeypatch):
    monkeypatch.setattr(live, "Publisher", Publisher)
    monkeypatch.setattr(Publisher, "frames", [])
    monkeypatch.setattr(Publisher, "watchers", 1)
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(live, "LONGEST_SECONDS", 1.0)  # a frame needs part of it
    return Publisher.frames


def test_frames_come_with_the_prediction_and_an_origin_that_can_be_proved(rows, camera_board, frames):
    job = execute(live.start(rows.device, rows.user).job)
    assert job.status == Status.SUCCEEDED, job.message
    assert (
        str(job.result["ended"]) == "the time limit was reached" and job.result["frames"] == len(frames) - 1
    )
    fields, image = frames[0]
    assert (fields["label"], fields["release"], fields["black"]) == ("red", BEFORE, False)
    assert "virtual" in fields["camera"] and "virtual" in fields["engine"]
    assert frames[-1][0] == {"type": "ended"}
    draft = services.begin(rows.team, rows.user, "Bolts", "classification")
    kept = services.add(draft, "from-the-live-view", image, "bolt", fields["origin"])
    assert (kept.device, kept.release, kept.origin) == (rows.device, BEFORE, "device")


def test_it_ends_when_nobody_watches_and_when_another_job_needs_the_device(
    rows, camera_board, frames, monkeypatch
):
    monkeypatch.setattr(live, "LONGEST_SECONDS", 60.0)
    monkeypatch.setattr(live, "UNWATCHED_SECONDS", 0.1)
    monkeypatch.setattr(Publisher, "watchers", 0)
    job = execute(live.start(rows.device, rows.user).job)
    assert str(job.result["ended"]) == "nobody watched"
    monkeypatch.setattr(Publisher, "watchers", 1)
    view = live.start(rows.device, rows.user)
    devices.start_probe(rows.device, rows.user)
    assert str(execute(view.job).result["ended"]) == "another job needed the device"


def test_frames_are_offered_for_review(rows, camera_board, frames, monkeypatch):
    kept = []
    monkeypatch.setattr(seen, "wants", lambda device: True)
    monkeypatch.setattr(
        seen, "offer", lambda device, task, release, images, source: kept.append((source, images[0]))
    )
    execute(live.start(rows.device, rows.user).job)
    source, image = kept[0]
    assert source == seen.LIVE and image.prediction["label"] == "red"
    assert image.content().startswith(b"\xff\xd8")


def test_once_nobody_watches_a_sample_is_compared_with_the_release_before(
    rows, camera_board, frames, artifacts, monkeypatch
):
    monkeypatch.setattr(boards, "NAMES", ["azul", "verde", "rojo"])
    with camera_board.connect() as connection:
        golden = {"blue": 0, "green": 1, "red": 2}
        deploy(connection, boards.PROFILE, boards.make_release(artifacts, "after", golden))
    monkeypatch.setattr(live, "LONGEST_SECONDS", 60.0)
    monkeypatch.setattr(live, "UNWATCHED_SECONDS", 1.0)  # a frame needs part of it
    monkeypatch.setattr(comparing, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(comparing, "MOST", 3)
    monkeypatch.setattr(Publisher, "watchers", 0)
    kept = []
    monkeypatch.setattr(seen, "wants_before", lambda device: True)
    monkeypatch.setattr(
        seen, "offer", lambda device, task, release, images, source: kept.append((release, images))
    )
    job = execute(live.start(rows.device, rows.user).job)
    [(release, images)] = kept
    assert job.result["compared"] == len(images) <= 3 and release == "after"
    pairs = {(image.prediction["label"], image.before["label"]) for image in images}
    assert pairs == {("rojo", "red")} and all(image.is_comparison for image in images)


def test_each_frame_of_a_view_is_as_likely_in_the_sample(rows, monkeypatch):
    monkeypatch.setattr(seen, "wants_before", lambda device: True)
    monkeypatch.setattr(comparing, "EVERY_SECONDS", 0.0)
    sample = comparing.Sample(rows.device, random.Random(0))
    for number in range(400):
        sample.offer(Frame({"number": number, "task": "classification"}, b"x"))
    names = [name for name, _content in sample.files]
    assert len(names) == comparing.MOST and names == sorted(names)
    assert 100 < sum(int(name[5:11]) for name in names) / len(names) < 300


def test_a_camera_that_is_missing_is_told_on_the_page(rows, camera_board, frames, client):
    camera_board.order(camera="none")
    client.force_login(rows.user)
    job = execute(live.start(rows.device, rows.user).job)
    check_told(client, job, rows.device, "has no camera", is_camera=True)
    state = client.get(reverse("camera-stream-state", args=[rows.device.pk])).json()
    assert state["failed"] and state["sentence"] == job.message


def test_two_who_start_it_share_one_view_and_viewers_only_watch(rows, client, bob):
    client.force_login(rows.user)
    for _ in range(2):
        url = reverse("camera-stream-start", args=[rows.device.pk])
        assert client.post(url).json()["sentence"] == "Waiting for a worker."
    assert LiveView.objects.count() == 1
    page = client.get(reverse("camera-live", args=[rows.device.pk])).content.decode()
    assert "data-start=" in page
    client.force_login(bob)
    assert client.post(url).status_code == 403
    page = client.get(reverse("camera-live", args=[rows.device.pk])).content.decode()
    assert "data-start=" not in page


def test_a_device_that_is_deleted_meanwhile_is_not_found(rows, client, monkeypatch):
    client.force_login(rows.user)
    draft = services.begin(rows.team, rows.user, "Bolts", "classification")
    device = Device.objects.get(pk=rows.device.pk)
    rows.device.delete()
    monkeypatch.setattr(live_views, "_device", lambda request, pk: device)
    assert client.post(reverse("camera-stream-start", args=[device.pk])).status_code == 404
    with pytest.raises(CaptureRefused, match="was deleted"):
        capture.start(draft, rows.user, device, capture.Order())


def test_a_message_is_a_length_an_object_and_an_image():
    message = relay.framed(relay.pack({"type": "frame"}, b"image"))
    length, size = struct.unpack(">I", message[:4])[0], struct.unpack(">I", message[4:8])[0]
    assert length == len(message) - 4 and json.loads(message[8 : 8 + size]) == {"type": "frame"}
    assert message[8 + size :] == b"image"


def test_an_image_that_claims_to_be_huge_is_not_decoded():
    """A board may send anything: such an image would take gigabytes, or an error that nobody expects."""
    stored = io.BytesIO()
    Image.new("RGB", (16, 16)).save(stored, "JPEG")
    assert black.is_black(stored.getvalue())
    huge = bytearray(stored.getvalue())
    size = huge.index(b"\xff\xc0") + 5
    for side in (8000, 65000):
        huge[size : size + 4] = struct.pack(">HH", side, side)
        assert not black.is_black(bytes(huge))
