"""What a version leaves in storage: its images once, its index, and no upload once it is ready."""

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from upload_builders import two_classes, zipped

from portal.datasets import deletion, upload_limits, upload_retention
from portal.datasets.models import DatasetVersion, Pack
from portal.datasets.services import create_version
from portal.datasets.staged_cache import staged
from portal.jobs import kinds
from portal.jobs import services as jobs
from portal.jobs.models import Job, Status
from portal.teams import quota_usage
from tests.factories import png
from workers.datakit.errors import StagingError

pytestmark = pytest.mark.django_db(transaction=True)


def uploaded(team, user, files: dict[str, bytes], run_jobs, **options) -> DatasetVersion:
    archive = SimpleUploadedFile("pets.zip", zipped(files))
    version = create_version(team, user, "Pets", archive, options)
    run_jobs()
    return DatasetVersion.objects.get(pk=version.pk)


def stored_files() -> dict[str, int]:
    """Every file of datasets and uploads in storage with its size."""
    root = Path(default_storage.path(""))
    found = {
        path.relative_to(root).as_posix(): path.stat().st_size for path in root.rglob("*") if path.is_file()
    }
    return {name: size for name, size in found.items() if name.startswith(("versions/", "uploads/"))}


def stored_bytes(team) -> int:
    """What counts against the team's quota, but for what jobs made."""
    use = quota_usage.storage_of(team)
    return use["datasets"] + use["uploads"]


@pytest.fixture(autouse=True)
def own_storage(settings, tmp_path):
    """A storage of this test alone."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        },
    }
    settings.CACHE_DIR = tmp_path / "cache"


def test_a_version_with_one_image_more_adds_that_images_bytes(team, alice, run_jobs):
    files = two_classes(20)
    first = uploaded(team, alice, files, run_jobs)
    before = sum(Pack.objects.values_list("bytes", flat=True))
    packs_before = {name: size for name, size in stored_files().items() if name.endswith(".pack")}
    second = uploaded(team, alice, {**files, "cat/new.png": png((9, 9, 9))}, run_jobs)
    packs = {name: size for name, size in stored_files().items() if name.endswith(".pack")}
    assert sum(packs.values()) - sum(packs_before.values()) == len(png((9, 9, 9)))
    assert sum(Pack.objects.values_list("bytes", flat=True)) - before == len(png((9, 9, 9)))
    assert second.parent == first and second.images == 41
    assert set(first.packs.all()) < set(second.packs.all())
    assert second.diff["added"] == 1 and second.diff["removed"] == second.diff["relabelled"] == 0
    assert (staged(second) / "images" / "000041.png").is_file()


def test_the_same_upload_again_adds_no_pack_and_has_the_same_content(team, alice, run_jobs):
    first = uploaded(team, alice, two_classes(5), run_jobs)
    second = uploaded(team, alice, two_classes(5), run_jobs)
    assert second.content_hash == first.content_hash
    assert list(second.packs.all()) == list(first.packs.all())
    assert second.diff == {"added": 0, "removed": 0, "relabelled": 0, "moved": 0}


def test_other_datasets_share_nothing(team, alice, run_jobs):
    uploaded(team, alice, two_classes(5), run_jobs)
    create_version(team, alice, "Others", SimpleUploadedFile("pets.zip", zipped(two_classes(5))))
    run_jobs()
    assert {pack.dataset.name for pack in Pack.objects.all()} == {"Pets", "Others"}


def test_an_upload_is_removed_once_its_version_is_ready(team, alice, run_jobs):
    version = uploaded(team, alice, two_classes(5), run_jobs)
    assert (version.upload.name, version.upload_bytes) == ("", 0)
    names = sorted(name.rpartition("/")[2] for name in stored_files())
    assert names == sorted(["index.sqlite", "report.json", version.packs.get().name])
    assert [artifact.name for artifact in version.job.artifacts.all()] == ["report.json"]


def test_a_refused_upload_is_kept_for_some_days_and_may_be_retried_meanwhile(team, alice, run_jobs):
    version = uploaded(team, alice, {"only/1.png": png()}, run_jobs)
    assert version.job.status == Status.FAILED
    upload_retention.sweep()
    version.refresh_from_db()
    assert version.upload and stored_bytes(team) == version.upload_bytes > 0
    Job.objects.filter(pk=version.job_id).update(finished_at=timezone.now() - timedelta(days=4))
    upload_retention.sweep()
    assert [name for name in stored_files() if name.startswith("uploads/")] == []
    assert stored_bytes(team) == 0
    jobs.retry(Job.objects.get(pk=version.job_id))
    run_jobs()
    version.refresh_from_db()
    assert "is no longer on the server" in version.job.message and "upload it again" in version.job.message


def test_the_quota_counts_what_is_stored_and_shared_images_once(team, alice, run_jobs, settings):
    settings.TEAM_QUOTA_BYTES = 10**6
    for _ in range(3):
        uploaded(team, alice, two_classes(20), run_jobs)
    packed, sizes = Pack.objects.get().bytes, stored_files()
    listed = sum(size for name, size in sizes.items() if name.endswith("index.sqlite"))
    assert upload_limits.quota_left(team) == 10**6 - packed - listed
    assert packed < DatasetVersion.objects.first().bytes + 1 and listed > 0


def test_a_lost_pack_or_index_is_said_to_be(team, alice, run_jobs):
    version = uploaded(team, alice, two_classes(5), run_jobs)
    default_storage.delete(version.packs.get().file.name)
    with pytest.raises(StagingError, match="no longer in the server's storage"):
        staged(version)
    default_storage.delete(version.index.name)
    with pytest.raises(StagingError, match="The index of Pets v1 is no longer"):
        staged(version)


def test_a_page_and_an_export_of_a_version_with_lost_files_are_no_crash(client, team, alice, run_jobs):
    version = uploaded(team, alice, two_classes(5), run_jobs)
    default_storage.delete(version.index.name)
    client.force_login(alice)
    assert client.get(f"/api/v1/dataset-versions/{version.pk}/export/?format=csv").status_code == 400
    assert client.get(reverse("dataset-thumb", args=[version.pk, 1])).status_code == 404


def test_what_a_job_stored_before_it_died_is_swept(team, alice, run_jobs, monkeypatch):
    class Killed(BaseException):
        """The worker's process ends: nothing handles this."""

    def dies(job, result):
        raise Killed

    kind = dataclasses.replace(kinds.get("ingest"), complete=dies)
    with monkeypatch.context() as broken:
        broken.setitem(kinds._kinds, "ingest", kind)
        broken.setattr("portal.jobs.execution._drop", lambda stored: None)  # who is killed tidies nothing
        version = create_version(team, alice, "Pets", SimpleUploadedFile("pets.zip", zipped(two_classes(5))))
        with pytest.raises(Killed):
            run_jobs()
    assert any(name.startswith("versions/") for name in stored_files())
    ready = uploaded(team, alice, two_classes(5), run_jobs)
    Job.objects.get(pk=version.job_id).move_to(Status.FAILED, "worker lost")
    deletion.sweep_leftovers()
    mine = {ready.index.name, ready.packs.get().file.name, ready.job.artifacts.get().file.name}
    assert {name for name in stored_files() if name.startswith("versions/")} == mine
