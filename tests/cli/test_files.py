"""A download that was broken off goes on, and a file is kept only with its right hash."""

import hashlib
import os

import pytest
from django.core.files.base import ContentFile
from slipway import files

from portal.jobs.models import Artifact
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)
CONTENT = os.urandom(3 * 1024 * 1024)


@pytest.fixture
def job(team, alice):
    job = Seeder(team, alice).job("convert")
    row = Artifact(job=job, name="model.rknn", size=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest())
    row.file.save(f"jobs/{job.pk}/model.rknn", ContentFile(CONTENT), save=False)
    row.save()
    return job


@pytest.fixture
def received(monkeypatch):
    """Status and bytes of every answer that was written to a file."""
    seen = []
    real = files._write

    def write(answer, part, have, on_bytes):
        before = part.stat().st_size if part.exists() and answer.status_code == 206 else 0
        whole = real(answer, part, have, on_bytes)
        seen.append((answer.status_code, part.stat().st_size - before))
        return whole

    monkeypatch.setattr(files, "_write", write)
    return seen


def test_a_broken_download_goes_on_where_it_was(signed_in, slipway, job, received, tmp_path):
    (tmp_path / "model.rknn.part").write_bytes(CONTENT[:1_000_000])
    answer = slipway("download", f"job/{job.pk}", "model.rknn", "-o", tmp_path)
    assert answer.code == 0, answer.err
    assert (tmp_path / "model.rknn").read_bytes() == CONTENT
    assert received == [(206, len(CONTENT) - 1_000_000)]
    assert not (tmp_path / "model.rknn.part").exists()


def test_what_is_there_already_is_not_fetched_again(signed_in, slipway, job, received, tmp_path):
    (tmp_path / "model.rknn").write_bytes(CONTENT)
    assert slipway("download", f"job/{job.pk}", "-o", tmp_path).code == 0
    assert received == []


def test_a_whole_part_needs_its_name_only(signed_in, slipway, job, received, tmp_path):
    (tmp_path / "model.rknn.part").write_bytes(CONTENT)
    assert slipway("download", f"job/{job.pk}", "-o", tmp_path).code == 0
    assert (tmp_path / "model.rknn").read_bytes() == CONTENT
    assert received == []


def test_a_damaged_part_is_thrown_away_and_the_next_call_succeeds(signed_in, slipway, job, tmp_path):
    (tmp_path / "model.rknn.part").write_bytes(b"x" * 1000)
    answer = slipway("download", f"job/{job.pk}", "-o", tmp_path)
    assert answer.code == 6
    assert "damaged on the way" in answer.err
    assert list(tmp_path.glob("model*")) == []
    assert slipway("download", f"job/{job.pk}", "-o", tmp_path).code == 0
    assert (tmp_path / "model.rknn").read_bytes() == CONTENT


def test_a_folder_that_cannot_be_written_is_a_sentence(signed_in, slipway, job, tmp_path):
    (tmp_path / "taken").write_bytes(b"")
    answer = slipway("download", f"job/{job.pk}", "-o", tmp_path / "taken" / "below")
    assert answer.code == 2
    assert "taken/below cannot be used (Not a directory)" in answer.err
