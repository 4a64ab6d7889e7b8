"""Pictures for a board: checked by their headers, stored outside of transactions, gone with their device.

Alice is an operator.
"""

import io
import struct
import zlib
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from PIL import Image
from rest_framework.test import APIClient

from portal.devices import inference, inference_images, services, tasks
from portal.devices.answers import Answers
from portal.devices.models import Inference, InferenceImage
from portal.jobs import services as jobs
from portal.jobs.models import Job, Status
from portal.teams import quota_usage
from tests.factories import png, run_queued_jobs
from tests.seed import Seeder
from workers.datakit.errors import InputError

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def device(team, alice):
    return Seeder(team, alice).device("Virtual board", "virtual")


@pytest.fixture
def api(alice):
    client = APIClient()
    client.force_authenticate(alice)
    return client


def upload(name="a.png", content=None):
    return SimpleUploadedFile(name, png() if content is None else content)


def header_only(width, height):
    """A PNG that says it is large and holds next to nothing: decoding would be noticed."""
    fields = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", fields), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def stored_files():
    root = Path(default_storage.location) / "inferences"
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.fixture(autouse=True)
def empty_storage():
    for path in stored_files():
        path.unlink()


def test_nothing_is_decoded_or_stored_in_a_transaction_nor_decoded_in_the_request(api, device, monkeypatch):
    def never(*args, **options):
        pytest.fail("it was decoded in the request")

    monkeypatch.setattr(Image.Image, "load", never)
    saved = []
    save = default_storage.save
    monkeypatch.setattr(
        default_storage,
        "save",
        lambda *args, **options: saved.append(connection.in_atomic_block) or save(*args, **options),
    )
    files = [upload(f"{number}.png", header_only(7000, 7000)) for number in range(26)]
    answer = api.post(f"/api/v1/devices/{device.pk}/inferences/", {"images": files}, format="multipart")
    assert answer.status_code == 202, answer.json()
    assert saved == [False] * 26


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([upload(), upload("b.png"), upload("third.png", b"no picture")], "third.png does not decode"),
        ([upload(), upload("empty.png", b"")], "empty.png is empty"),
        ([upload(), upload("huge.png", header_only(9000, 9000))], "huge.png has 9000×9000 pixels"),
        ([upload("x.png", header_only(2**31 - 1, 2**31 - 1))], "x.png"),
        ([upload(f"{n}.png", header_only(7000, 7000)) for n in range(50)], "million pixels together"),
    ],
    ids=[
        "the third is no picture",
        "one is empty",
        "one is too large",
        "one is absurd",
        "too large together",
    ],
)
def test_a_bad_picture_is_refused_by_name_and_nothing_of_the_others_stays(api, device, files, words):
    for one in files:
        one.seek(0)
    answer = api.post(f"/api/v1/devices/{device.pk}/inferences/", {"images": files}, format="multipart")
    assert answer.status_code == 400 and words in answer.json()["detail"]
    assert (Inference.objects.count(), stored_files()) == (0, [])


@pytest.mark.parametrize("limit", ["MOST_BYTES", "MOST_BYTES_IN_ALL"])
def test_bytes_are_bounded(api, device, monkeypatch, limit):
    monkeypatch.setattr(inference_images, limit, 10)
    answer = api.post(f"/api/v1/devices/{device.pk}/inferences/", {"images": [upload()]}, format="multipart")
    assert answer.status_code == 400 and "10 bytes" in answer.json()["detail"], answer.json()


def test_a_failure_while_storing_leaves_neither_files_nor_rows(device, alice, monkeypatch):
    save, count = default_storage.save, []

    def fails_third(*args, **options):
        count.append(1)
        if len(count) == 3:
            raise OSError("the disk is gone")
        return save(*args, **options)

    monkeypatch.setattr(default_storage, "save", fails_third)
    with pytest.raises(OSError, match="the disk is gone"):
        services.start_inference(device, alice, [upload(f"{n}.png") for n in range(3)])
    assert (Inference.objects.count(), stored_files(), Job.objects.filter(kind="infer").count()) == (0, [], 0)


def test_a_request_that_was_killed_in_between_is_shown_nowhere_and_swept(
    client, api, device, alice, monkeypatch
):
    monkeypatch.setattr(inference_images, "remove", lambda row: None)
    monkeypatch.setattr(jobs, "submit", lambda *args, **fields: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.start_inference(device, alice, [upload()])
    monkeypatch.undo()
    half = Inference.objects.get()
    assert api.get("/api/v1/inferences/").json()["results"] == []
    assert api.get(f"/api/v1/inferences/{half.pk}/").status_code == 404
    assert api.get(f"/api/v1/devices/{device.pk}/inferences/").json()["results"] == []
    client.force_login(alice)
    assert client.get(reverse("device-detail", args=[device.pk])).status_code == 200
    assert client.get(reverse("inference-detail", args=[device.pk, half.pk])).status_code == 404
    tasks.watch()
    assert Inference.objects.exists(), "it may still be on its way"
    Inference.objects.update(created_at=timezone.now() - timedelta(hours=2))
    tasks.watch()
    assert (Inference.objects.count(), stored_files()) == (0, [])


def test_removing_a_device_removes_its_pictures(device, alice):
    services.start_inference(device, alice, [upload(), upload("b.png")])
    Job.objects.filter(kind="infer").update(status=Status.FAILED)
    assert len(stored_files()) == 2
    services.delete(device)
    assert stored_files() == []


def test_pictures_count_for_the_teams_quota(api, device, team, settings):
    content = png()
    api.post(f"/api/v1/devices/{device.pk}/inferences/", {"images": [upload()]}, format="multipart")
    assert quota_usage.storage_of(team)["inferences"] == len(content)
    settings.TEAM_QUOTA_BYTES = sum(quota_usage.storage_of(team).values()) + len(content) - 1
    answer = api.post(f"/api/v1/devices/{device.pk}/inferences/", {"images": [upload()]}, format="multipart")
    assert answer.status_code == 409 and "of the team's storage are left" in answer.json()["detail"]


def test_over_the_quota_of_jobs_page_and_api_say_so(client, api, device, alice, settings):
    settings.TEAM_QUEUED_JOBS = 1
    services.start_inference(device, alice, [upload()])
    answer = api.post(f"/api/v1/devices/{device.pk}/inferences/", {"images": [upload()]}, format="multipart")
    assert answer.status_code == 409 and "waits already" in answer.json()["detail"]
    client.force_login(alice)
    page = client.post(reverse("device-infer", args=[device.pk]), {"images": [upload()]})
    assert page.status_code == 422 and "waits already" in page.content.decode()
    assert Inference.objects.count() == 1


# --- the job ---------------------------------------------------------------------------------------


class FakeConnection:
    """Stands for a signed-in board; what it answers is faked one level up."""

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        pass


@pytest.fixture
def asked(monkeypatch):
    """What the board is asked, in order; it sees class 1 in every picture."""
    calls = []

    def predict(connection, profile, files, *, release, on_answer):
        calls.append([(name, len(content)) for name, content in files])
        for number in range(len(files)):
            on_answer(number + 1, len(files))
        found = [{"image": name, "label_id": 1, "label": "dog", "score": 0.9, "ms": 4.0} for name, _ in files]
        return Answers(found, {"engine": "fake"})

    monkeypatch.setattr(inference, "connect", lambda device, context: FakeConnection())
    monkeypatch.setattr(inference.running, "read_current", lambda connection, profile: "run1-job4")
    monkeypatch.setattr(inference, "predict", predict)
    return calls


def encoded(kind, mode="RGB", size=(40, 20)):
    out = io.BytesIO()
    Image.new("RGB", size, (200, 10, 10)).convert(mode).save(out, kind)
    return out.getvalue()


def test_the_job_makes_pictures_plain_and_tells_which_does_not_decode(device, alice, asked):
    files = [
        upload("a.tiff", encoded("TIFF")),
        upload("cut.jpg", encoded("JPEG", size=(400, 400))[:900]),
        upload("c.png"),
    ]
    row = services.start_inference(device, alice, files)
    run_queued_jobs()
    first, cut, third = row.images.all()
    assert (first.prediction.get("label"), first.file.name[-4:], "TIFF" in first.note) == (
        "dog",
        ".png",
        True,
    )
    assert "does not decode" in cut.error and cut.prediction == {}
    assert (third.prediction.get("label"), third.note, third.error) == ("dog", "", "")
    assert len(stored_files()) == 3, "what was converted replaces what came"
    assert first.bytes == first.file.size
    assert len(asked[0]) == 2


def test_a_retry_answers_the_same_pictures(device, alice, asked, monkeypatch):
    row = services.start_inference(device, alice, [upload("a.tiff", encoded("TIFF"))])
    good = inference.predict
    monkeypatch.setattr(inference, "predict", lambda *args, **options: 1 / 0)
    run_queued_jobs()
    monkeypatch.setattr(inference, "predict", good)
    job = Job.objects.get(pk=row.job_id)
    assert job.status == Status.FAILED
    jobs.retry(job)
    run_queued_jobs()
    picture = row.images.get()
    assert (picture.prediction.get("label"), "TIFF" in picture.note, len(stored_files())) == ("dog", True, 1)


def test_when_no_picture_decodes_the_job_says_so_and_asks_no_board(device, alice, asked):
    row = services.start_inference(device, alice, [upload("cut.png", header_only(30, 30))])
    run_queued_jobs()
    job = Job.objects.get(pk=row.job_id)
    assert job.status == Status.FAILED and job.message.startswith("cut.png cannot be sent:")
    assert job.error_kind == "input" and asked == []


def test_pictures_go_in_batches_that_fit_into_memory(device, alice, asked, monkeypatch):
    size = len(png())
    monkeypatch.setattr(inference, "BATCH_BYTES", 2 * size)
    row = services.start_inference(device, alice, [upload(f"{n}.png") for n in range(5)])
    run_queued_jobs()
    assert [len(batch) for batch in asked] == [2, 2, 1]
    assert [image.prediction.get("label") for image in row.images.all()] == ["dog"] * 5
    assert InferenceImage.objects.filter(inference=row).count() == 5


def test_the_service_refuses_what_the_page_and_the_api_do_not_look_at(device, alice):
    for files, words in (([], "at least one"), ([upload()] * 501, "at most 500")):
        with pytest.raises(InputError, match=words):
            services.start_inference(device, alice, files)
