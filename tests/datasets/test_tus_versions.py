"""An upload that is whole becomes a version of a dataset, once, and its state is told on the way."""

import pytest
from django.core.files.storage import default_storage

from portal.datasets import pieces, services, uploads
from portal.datasets.models import Dataset, DatasetVersion, Upload
from portal.datasets.refusals import InUse
from portal.jobs.models import Job, Status
from tests.datasets.test_tus_protocol import (
    LIST,
    TUS,
    announce,
    client_of,
    encoded,
    send,
    stored_files,
    upload_at,
)
from tests.factories import class_zip

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api(alice):
    return client_of(alice)


@pytest.fixture
def zip_bytes():
    return class_zip().read()


def whole(api, data: bytes, **values) -> str:
    address = announce(api, len(data), filename="pets.zip", **values)
    for start in range(0, len(data), 700):
        answer = send(api, address, start, data[start : start + 700])
        assert answer.status_code == 204, answer.content
    return address


def state(api, address) -> str:
    return api.get(address).json()["state"]


def test_an_upload_that_names_a_dataset_becomes_its_next_version(api, zip_bytes, run_jobs):
    for number in (1, 2):
        address = whole(api, zip_bytes, dataset="Pets", class_names="cat\ndog", val_fraction="0.3", seed="7")
        body = api.get(address).json()
        assert body["state"] == "received"
        version = DatasetVersion.objects.get(pk=body["dataset_version"])
        assert (version.dataset.name, version.number, version.upload_name) == ("Pets", number, "pets.zip")
        assert version.options == {"class_names": ["cat", "dog"], "val_fraction": 0.3, "seed": 7}
    run_jobs()
    assert state(api, address) == "ready"
    version.refresh_from_db()
    assert (version.images, version.class_names) == (10, ["cat", "dog"])


def test_the_pieces_joined_are_the_file(api, zip_bytes, tmp_path):
    upload = upload_at(whole(api, zip_bytes))
    assert upload.pieces.count() > 2
    assert pieces.join(upload, tmp_path / "whole").read_bytes() == zip_bytes


def test_a_lost_piece_is_told_and_not_trained_on(api, zip_bytes, run_jobs):
    address = whole(api, zip_bytes, dataset="Pets")
    piece = upload_at(address).pieces.first()
    default_storage.delete(piece.file.name)
    default_storage.save(piece.file.name, class_zip(images=1))
    run_jobs()
    body = api.get(address).json()
    assert body["state"] == "refused"
    assert "upload the file again" in body["message"]


def test_a_whole_upload_without_a_dataset_waits_to_be_named(api, zip_bytes):
    address = whole(api, zip_bytes)
    assert state(api, address) == "received"
    assert not DatasetVersion.objects.exists()
    body = {"name": "Pets", "upload": str(upload_at(address).pk), "class_count": 2}
    answer = api.post("/api/v1/datasets/", body, format="json")
    assert answer.status_code == 201, answer.json()
    assert answer.json()["state"] == "received"
    again = api.post("/api/v1/datasets/", body, format="json")
    assert (again.status_code, again.json()["id"]) == (201, answer.json()["id"])
    assert Job.objects.count() == 1
    other = api.post("/api/v1/datasets/", body | {"name": "Others"}, format="json")
    assert other.status_code == 409
    assert "has become Pets v1 already" in other.json()["detail"]


def test_the_last_chunk_sent_again_makes_no_second_version(api, zip_bytes):
    address = whole(api, zip_bytes, dataset="Pets")
    last = (len(zip_bytes) - 1) // 700 * 700
    assert send(api, address, last, zip_bytes[last:]).status_code == 204
    assert DatasetVersion.objects.count() == Job.objects.count() == 1


def test_an_upload_that_is_not_whole_makes_no_version(api):
    address = announce(api, 100)
    send(api, address, 0, b"x" * 40)
    body = {"name": "Pets", "upload": str(upload_at(address).pk)}
    answer = api.post("/api/v1/datasets/", body, format="json")
    assert answer.status_code == 409
    assert "40 of 100 bytes are here" in answer.json()["detail"]
    assert not Dataset.objects.exists()


@pytest.mark.parametrize(
    "body", [{}, {"upload": "nonsense"}, {"upload": "5f0f6b7e-1111-4222-8333-444455556666"}]
)
def test_a_version_needs_a_file_or_an_upload_that_is_there(api, body):
    answer = api.post("/api/v1/datasets/", {"name": "Pets", **body}, format="json")
    assert answer.status_code == 400
    assert "errors" in answer.json()


def test_another_teams_upload_cannot_be_named(api, charlie, zip_bytes):
    address = whole(api, zip_bytes)
    body = {"name": "Mine", "upload": str(upload_at(address).pk)}
    answer = client_of(charlie).post("/api/v1/datasets/", body, format="json")
    assert answer.status_code == 400
    assert "There is no upload with this id" in answer.json()["errors"]["upload"][0]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"class_count": "many"}, "class_count"),
        ({"class_count": "1"}, "class_count"),
        ({"val_fraction": "0.9"}, "val_fraction"),
        ({"dataset": "x" * 121}, "dataset"),
    ],
)
def test_wrong_choices_are_refused_before_a_byte_is_sent(api, values, field):
    answer = api.post(LIST, HTTP_UPLOAD_LENGTH="5", HTTP_UPLOAD_METADATA=encoded(**values), **TUS)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert not Upload.objects.exists()


def test_an_empty_file_is_refused_by_the_check_with_its_sentence(api, run_jobs):
    address = announce(api, 0, dataset="Pets", filename="empty.zip")
    run_jobs()
    body = api.get(address).json()
    assert body["state"] == "refused"
    assert "empty" in body["message"]


@pytest.mark.parametrize(
    ("status", "phase", "expected"),
    [
        (Status.QUEUED, "", "received"),
        (Status.RUNNING, "", "received"),
        (Status.RUNNING, "extracting", "extracting"),
        (Status.RUNNING, "checking", "checking"),
        (Status.RUNNING, "writing", "checking"),
        (Status.SUCCEEDED, "writing", "ready"),
        (Status.FAILED, "checking", "refused"),
        (Status.CANCELLED, "", "refused"),
    ],
)
def test_the_state_follows_the_check(api, zip_bytes, status, phase, expected):
    address = whole(api, zip_bytes, dataset="Pets")
    Job.objects.update(status=status, phase=phase)
    assert state(api, address) == expected
    version = api.get(address).json()["dataset_version"]
    assert api.get(f"/api/v1/dataset-versions/{version}/").json()["state"] == expected


def test_an_upload_with_a_version_can_be_neither_discarded_nor_expire(api, zip_bytes):
    address = whole(api, zip_bytes, dataset="Pets")
    assert api.delete(address, **TUS).status_code == 409
    with pytest.raises(InUse, match="has become Pets v1"):
        uploads.discard(upload_at(address))
    Upload.objects.update(expires_at="2020-01-01T00:00:00Z")
    uploads.sweep()
    assert upload_at(address).pieces.count() > 2


def test_the_bytes_of_a_deleted_version_are_swept(api, zip_bytes):
    address = whole(api, zip_bytes, dataset="Pets")
    Upload.objects.update(expires_at="2020-01-01T00:00:00Z")
    version = upload_at(address).version
    version.delete()
    uploads.sweep()
    assert not Upload.objects.exists()
    assert stored_files(address) == []


def test_a_retried_check_finds_the_pieces_again(api, zip_bytes, run_jobs):
    address = whole(api, zip_bytes, dataset="Pets")
    job = Job.objects.get()
    job.move_to(Status.RUNNING)
    job.move_to(Status.FAILED)
    services.jobs.retry(job)
    run_jobs()
    assert state(api, address) == "ready"


@pytest.mark.parametrize("concat", ["partial", "final;/api/v1/uploads/a /api/v1/uploads/b"])
def test_parts_to_be_put_together_are_refused_in_the_first_call_and_leave_nothing(api, concat):
    told = {"Tus-Resumable": "1.0.0", "Upload-Length": "10", "Upload-Concat": concat}
    answer = api.post("/api/v1/uploads/", headers=told)
    assert answer.status_code == 400 and "as one upload" in answer.json()["detail"]
    assert not Upload.objects.exists()
