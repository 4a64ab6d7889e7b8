"""What is staged for training is bounded, kept while it is read, and goes with its dataset."""

import os
import time
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from upload_builders import two_classes, zipped

from portal.datasets import deletion, staged_cache
from portal.datasets.models import DatasetVersion
from portal.datasets.services import create_version
from portal.datasets.staged_cache import staged
from portal.jobs.models import Status
from portal.runs.plan import make_plan
from portal.runs.services import create_run
from tests.graphs import job_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def make(team, alice, run_jobs, settings, tmp_path):
    """Uploads a version of so many images of its own."""
    settings.CACHE_DIR = tmp_path / "cache"

    def make(name: str, images: int) -> DatasetVersion:
        archive = SimpleUploadedFile("pets.zip", zipped(two_classes(images)))
        version = create_version(team, alice, name, archive)
        run_jobs()
        return DatasetVersion.objects.get(pk=version.pk)

    return make


def age(version: DatasetVersion, minutes: float) -> None:
    """Let it be so long ago that the folder was used."""
    then = time.time() - 60 * minutes
    os.utime(staged_cache.folder() / version.content_hash, (then, then))


def here(*versions) -> list[bool]:
    return [(staged_cache.folder() / version.content_hash).is_dir() for version in versions]


def test_what_was_not_used_for_longest_goes_when_the_cache_is_full(make, settings):
    versions = [make(f"Pets {images}", images) for images in (4, 5, 6)]
    for minutes, version in zip((30, 20, 10), versions, strict=True):
        staged(version)
        age(version, minutes)
    staged(versions[0])  # used again
    age(versions[0], 5)
    settings.CACHE_MAX_BYTES = sum(staged_cache._size(one.bytes, one.images) for one in versions)
    staged_cache.make_room()
    assert here(*versions) == [True, True, True]
    last = make("Pets 7", 7)
    staged(last)
    assert here(*versions, last) == [True, False, False, True]
    assert staged(versions[1]).is_dir()  # made anew when it is wanted


def test_what_a_running_job_reads_stays_however_full_the_cache_is(make, settings, team, alice):
    version = make("Pets", 4)
    run = create_run(make_plan(version, preset="fast", chips=["rv1106"]), team, alice)
    job = job_of(run)
    job.move_to(Status.RUNNING)
    staged(version)
    age(version, 600)
    settings.CACHE_MAX_BYTES = 1
    staged_cache.make_room()
    assert here(version) == [True]
    job.move_to(Status.FAILED)
    staged_cache.make_room()
    assert here(version) == [False]


def test_what_was_handed_out_just_now_stays(make, settings):
    version = make("Pets", 4)
    staged(version)
    settings.CACHE_MAX_BYTES = 1
    staged_cache.make_room()
    assert here(version) == [True]


def test_a_staged_dataset_goes_when_its_dataset_is_deleted_for_good(make, alice):
    version, twin = make("Pets", 4), make("Twins", 4)
    assert version.content_hash == twin.content_hash
    staged(version)
    for row, left in ((version, True), (twin, False)):
        deletion.delete_version(row, alice)
        long_ago = timezone.now() - timedelta(days=30)
        DatasetVersion.objects.filter(pk=row.pk).update(deleted_at=long_ago)
        deletion.sweep()
        assert here(version) == [left]
    assert list(staged_cache.folder().iterdir()) == []


def test_what_no_version_has_any_more_goes_and_so_does_what_a_killed_process_left(make):
    make("Pets", 4)
    (staged_cache.folder() / ("a" * 64)).mkdir(parents=True)
    (staged_cache.folder() / f".{'b' * 64}.tmp").mkdir()
    (staged_cache.folder() / f".{'b' * 64}.lock").touch()
    staged_cache.make_room()
    assert list(staged_cache.folder().iterdir()) == []
