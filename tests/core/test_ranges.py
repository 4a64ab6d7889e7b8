"""A download can be gone on with: from a folder and from a bucket, with the API and on the pages."""

import hashlib
import io
from functools import partial
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.http import Http404
from django.test import Client, RequestFactory
from rest_framework.test import APIClient

from portal.core import ranges
from portal.jobs.models import Artifact
from tests.seed import Seeder

CONTENT = bytes(range(256)) * 4000  # more than one block
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def job(team, alice):
    job = Seeder(team, alice).job("train", "train")
    row = Artifact(job=job, name="deep/model.onnx", size=len(CONTENT), sha256=SHA)
    row.file.save(f"jobs/{job.pk}/model.onnx", ContentFile(CONTENT), save=False)
    row.save()
    return job


@pytest.fixture(params=["api", "page"])
def get(request, job, alice):
    """Asks for the file, by the API and by its page."""
    client = APIClient() if request.param == "api" else Client()
    client.force_authenticate(alice) if request.param == "api" else client.force_login(alice)
    start = "/api/v1/jobs" if request.param == "api" else "/jobs"

    def get(name="deep/model.onnx", **headers):
        return client.get(f"{start}/{job.pk}/files/{name}", headers=headers)

    return get


def body(answer):
    return b"".join(answer.streaming_content)


def test_the_whole_says_that_parts_can_be_had(get):
    answer = get()
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == 'attachment; filename="model.onnx"'
    assert (answer["Accept-Ranges"], answer["ETag"]) == ("bytes", f'"{SHA}"')
    assert answer["Content-Length"] == str(len(CONTENT))
    assert body(answer) == CONTENT


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=300000-", 300_000, len(CONTENT) - 1),
        ("bytes=-7", len(CONTENT) - 7, len(CONTENT) - 1),
        ("bytes=-99999999", 0, len(CONTENT) - 1),
        ("bytes=5-99999999", 5, len(CONTENT) - 1),
    ],
)
def test_a_part_is_these_bytes_and_says_so(get, asked, first, last):
    answer = get(Range=asked)
    assert answer.status_code == 206
    assert answer["Content-Disposition"] == 'attachment; filename="model.onnx"'
    assert answer["Content-Range"] == f"bytes {first}-{last}/{len(CONTENT)}"
    assert answer["Content-Length"] == str(last - first + 1)
    assert body(answer) == CONTENT[first : last + 1]


@pytest.mark.parametrize("asked", [f"bytes={len(CONTENT)}-", "bytes=-0", "bytes=99999999-999999999"])
def test_bytes_that_are_not_there_are_416_with_the_length(get, asked):
    answer = get(Range=asked)
    assert answer.status_code == 416
    assert answer["Content-Range"] == f"bytes */{len(CONTENT)}"
    assert f"has {len(CONTENT)} bytes" in answer.json()["detail"]


@pytest.mark.parametrize("asked", ["bytes=9-3", "bytes=a-b", "bytes=-", "bytes=1-2,5-6", "lines=1-2", "9"])
def test_what_is_no_single_range_brings_the_whole(get, asked):
    answer = get(Range=asked)
    assert answer.status_code == 200
    assert body(answer) == CONTENT


def test_a_part_of_another_file_is_not_mixed_in(get):
    part = {"Range": "bytes=0-9"}
    assert get(**part, **{"If-Range": f'"{SHA}"'}).status_code == 206
    assert get(**part, **{"If-Range": '"of another file"'}).status_code == 200
    assert get(**part, **{"If-Range": f'W/"{SHA}"'}).status_code == 200
    assert get(**part, **{"If-Range": "Tue, 24 Nov 2026 07:00:00 GMT"}).status_code == 200


def test_what_one_has_is_not_sent_again(get):
    for known in (f'"{SHA}"', f'"x", W/"{SHA}"', "*"):
        answer = get(**{"If-None-Match": known})
        assert answer.status_code == 304
        assert not answer.streaming and not answer.content
    assert get(**{"If-None-Match": '"another"'}).status_code == 200


def test_a_stored_file_that_is_gone_is_not_found(get, job):
    artifact = job.artifacts.get()
    artifact.file.storage.delete(artifact.file.name)
    assert get().status_code == 404
    assert get(Range="bytes=0-1").status_code == 404


class FakeBucket:
    """An S3 storage that holds one object and keeps what it was asked for."""

    def __init__(self):
        self.asked = []
        self.bucket = SimpleNamespace(Object=self.object)

    def object(self, name):
        return SimpleNamespace(get=partial(self.get, name), key=name, bucket_name="files")

    def path(self, name):
        raise NotImplementedError

    def get(self, name, Range):
        self.asked.append(Range)
        if name != "model.rknn":
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "no"}}, "GetObject")
        first, last = (int(part) for part in Range.removeprefix("bytes=").split("-"))
        return {"Body": io.BytesIO(CONTENT[first : last + 1])}


class StoredFile(SimpleNamespace):
    @property
    def path(self):
        return self.storage.path(self.name)


def from_bucket(storage, name="model.rknn", **headers):
    request = RequestFactory().get("/", headers=headers)
    file = StoredFile(storage=storage, name=name)
    return ranges.serve(
        request, file, size=len(CONTENT), sha256=SHA, name="model.rknn", content_type="application/x"
    )


def test_of_a_file_in_a_bucket_only_these_bytes_are_fetched():
    storage = FakeBucket()
    assert body(from_bucket(storage, Range="bytes=1000-1009")) == CONTENT[1000:1010]
    assert storage.asked == ["bytes=1000-1009"]
    answer = from_bucket(storage)
    assert answer["Content-Disposition"] == 'attachment; filename="model.rknn"'
    assert answer["Content-Length"] == str(len(CONTENT))
    assert body(answer) == CONTENT


def test_a_file_that_is_gone_from_the_bucket_is_not_found():
    with pytest.raises(Http404):
        from_bucket(FakeBucket(), name="gone.rknn")
