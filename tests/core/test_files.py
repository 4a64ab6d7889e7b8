"""Parts of stored files: the same bytes from a disk as from S3, and few requests."""

import hashlib
import os
import random

import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from portal.core.files import AHEAD, GAP, fetch_artifact, prune, read_range, read_ranges
from portal.jobs.models import Artifact, Job
from workers.contract import InputError

CONTENT = random.Random(3).randbytes(3 * AHEAD)


class Body:
    def __init__(self, content):
        self.read = lambda: content


class S3Object:
    """What boto3's Object does with a range."""

    def __init__(self, key, content, asked):
        self.key, self.bucket_name, self._content, self._asked = key, "files", content, asked

    def get(self, Range):
        first, last = map(int, Range.removeprefix("bytes=").split("-"))
        self._asked.append((first, last))
        if self._content is None or first >= len(self._content):
            code = "NoSuchKey" if self._content is None else "InvalidRange"
            raise ClientError({"Error": {"Code": code}}, "GetObject")
        return {"Body": Body(self._content[first : last + 1])}


class S3:
    """A storage without paths."""

    def __init__(self, content):
        self.asked, self.bucket, self._content = [], self, content

    def path(self, name):
        raise NotImplementedError

    def Object(self, name):
        return S3Object(name, self._content, self.asked)


@pytest.fixture(params=["disk", "S3"])
def storage(request, tmp_path):
    if request.param == "S3":
        return S3(CONTENT)
    disk = FileSystemStorage(tmp_path)
    disk.save("a.pack", ContentFile(CONTENT))
    return disk


def test_parts_are_what_they_should_be_in_any_order(storage):
    chance = random.Random(1)
    wanted = [(chance.randrange(len(CONTENT)), chance.choice([0, 1, 700, GAP, AHEAD + 5])) for _ in range(60)]
    for parts in (wanted, sorted(wanted)):
        found = list(read_ranges(storage, "a.pack", parts))
        assert found == [CONTENT[start : start + size] for start, size in parts]
    assert read_range(storage, "a.pack", 10, 5) == CONTENT[10:15]


def test_a_part_beyond_the_end_comes_short(storage):
    assert read_range(storage, "a.pack", len(CONTENT) - 2, 10) == CONTENT[-2:]
    assert read_range(storage, "a.pack", len(CONTENT) + 2, 10) == b""


def test_a_file_that_is_gone_is_said_to_be(tmp_path):
    for storage in (FileSystemStorage(tmp_path), S3(None)):
        with pytest.raises(FileNotFoundError):
            read_range(storage, "none.pack", 0, 5)


def test_parts_near_each_other_come_in_one_request_from_s3():
    storage = S3(CONTENT)
    wanted = [(start, 1000) for start in range(0, len(CONTENT), 4000)]
    list(read_ranges(storage, "a.pack", wanted))
    assert 3 <= len(storage.asked) <= 4
    assert all(last - first < AHEAD for first, last in storage.asked)
    storage.asked.clear()
    list(read_ranges(storage, "a.pack", [(0, 10), (AHEAD, 10), (2 * AHEAD, 10)]))
    assert storage.asked == [(0, 9), (AHEAD, AHEAD + 9), (2 * AHEAD, 2 * AHEAD + 9)]


def test_a_cache_drops_what_was_not_used_for_longest(tmp_path):
    for age, name in enumerate(("newest", "middle", "oldest")):
        (tmp_path / name).write_bytes(b"x" * 100)
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    prune(tmp_path, 250)
    assert {path.name for path in tmp_path.iterdir()} == {"newest", "middle"}
    prune(tmp_path, 0)
    assert list(tmp_path.iterdir()) == []


def _artifact(alice, team, content):
    job = Job.objects.create(team=team, created_by=alice, kind="convert", queue="convert")
    row = Artifact(job=job, name="model.rknn", size=4, sha256=hashlib.sha256(b"RKNN").hexdigest())
    row.file.save("jobs/model.rknn", ContentFile(content), save=False)
    row.save()
    return row


@pytest.mark.django_db
def test_a_job_is_given_a_file_only_as_it_was_made(alice, team, tmp_path):
    whole, altered = _artifact(alice, team, b"RKNN"), _artifact(alice, team, b"RKNX")
    target = tmp_path / "inputs" / "model.rknn"
    assert fetch_artifact(whole.job, "model.rknn", target).read_bytes() == b"RKNN"
    with pytest.raises(InputError, match=f"job {altered.job_id} in the server's storage is not"):
        fetch_artifact(altered.job, "model.rknn", target)
    assert not target.exists()


@pytest.mark.django_db
def test_a_file_that_storage_lost_is_named(alice, team, tmp_path):
    lost = _artifact(alice, team, b"RKNN")
    lost.file.delete(save=False)
    lost.file.name = "jobs/lost.rknn"
    lost.save()
    with pytest.raises(InputError, match=f"model.rknn of job {lost.job_id} is no longer in"):
        fetch_artifact(lost.job, "model.rknn", tmp_path / "model.rknn")
