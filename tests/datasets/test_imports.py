"""Datasets come from folders and buckets that the administrator allowed, and from nowhere else."""

import os
import socket
import threading

import pytest
from rest_framework.test import APIClient

from portal.datasets import import_sources, imports, services
from portal.datasets.models import DatasetVersion, UploadState
from portal.jobs.models import Job, Status
from portal.teams.models import AuditEntry
from tests.conftest import PASSWORD
from tests.datasets.bucket_stand_in import bucket
from tests.factories import class_zip, png, run_queued_jobs
from tests.jobs.helpers import executing, wait_for
from workers.datakit.errors import InputError

pytestmark = pytest.mark.django_db(transaction=True)


def images() -> dict[str, bytes]:
    return {
        f"{name}/{column}.png": png((40 * row, 11 * column, 7))
        for row, name in enumerate(("cat", "dog"))
        for column in range(5)
    }


@pytest.fixture
def photos(tmp_path, settings):
    """An allowed folder with pets in it."""
    folder = tmp_path / "photos"
    for name, content in images().items():
        path = folder / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    settings.IMPORT_DIRS = {"photos": folder}
    return folder


@pytest.fixture
def store(settings, monkeypatch):
    """An allowed prefix of a bucket with pets in it, and something beside it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    objects = {f"parts/pets/{name}": content for name, content in images().items()}
    objects |= {"parts/pets/": b"", "parts/pets.zip": class_zip().read(), "secret/x.png": png()}
    with bucket("lake", objects) as server:
        settings.IMPORT_S3 = {"lake": "s3://lake/parts/"}
        settings.IMPORT_S3_ENDPOINT = server.url
        yield server


def imported(team, user, source, path, **options) -> DatasetVersion:
    version = services.create_import(team, user, "Pets", source, path, options)
    run_queued_jobs()
    version.refresh_from_db()
    return version


def client_of(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


def test_a_folder_becomes_a_version_as_its_upload_would(team, alice, photos):
    version = imported(team, alice, "photos", "pets")
    assert version.state == UploadState.READY, version.job.message
    assert (version.images, version.class_names) == (10, ["cat", "dog"])
    services.create_version(team, alice, "Sent", class_zip())
    run_queued_jobs()
    assert version.content_hash == DatasetVersion.objects.get(dataset__name="Sent").content_hash
    entry = AuditEntry.objects.get(verb="dataset.import")
    assert (entry.actor_name, entry.detail) == ("alice", "photos/pets")
    assert not AuditEntry.objects.filter(verb="dataset.upload", object_label=str(version)).exists()


def test_a_whole_place_an_archive_and_options_work(team, alice, photos):
    (photos / "pets.zip").write_bytes(class_zip().read())
    assert imported(team, alice, "photos", "/pets.zip").images == 10
    os.unlink(photos / "pets.zip")
    assert imported(team, alice, "photos", " ").layout
    assert imported(team, alice, "photos", "pets", val_fraction=0.4).val_images == 4


def test_hidden_files_are_left_out(team, alice, photos):
    for name in (".git/config", "pets/cat/.DS_Store", "pets/Thumbs.db"):
        path = photos / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    version = imported(team, alice, "photos", "")
    said = str(version.findings)
    assert version.images == 10
    assert not [name for name in ("config", "DS_Store", "Thumbs") if name in said]


@pytest.mark.parametrize("path", ["..", "../photos2", "pets/../../etc", "a\\..\\..\\etc", "x" * 501, "a\0b"])
def test_a_path_that_leads_out_is_refused_at_once(team, alice, photos, path):
    with pytest.raises(InputError):
        services.create_import(team, alice, "Pets", "photos", path)
    assert not Job.objects.exists()


@pytest.mark.parametrize("lures", ["link to a file", "link to a folder", "path is a link", "fifo", "socket"])
def test_nothing_outside_of_the_place_is_ever_read(team, alice, photos, tmp_path, lures, monkeypatch):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.png").write_bytes(png())
    path = "pets"
    if lures == "link to a file":
        (photos / "pets/cat/x.png").symlink_to(outside / "x.png")
    elif lures == "link to a folder":
        (photos / "pets/out").symlink_to(outside)
    elif lures == "path is a link":
        (photos / "out").symlink_to(outside)
        path = "out"
    elif lures == "fifo":
        os.mkfifo(photos / "pets/cat/x.png")
    else:
        monkeypatch.chdir(photos / "pets/cat")  # the whole path may be too long for a socket's name
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("x.png")
        monkeypatch.undo()
    version = imported(team, alice, "photos", path)
    assert version.state == UploadState.REFUSED
    assert version.job.error_kind == "input"
    assert any(word in version.job.message for word in ("link", "special file", "cannot be read"))


def test_a_link_that_is_put_there_while_it_is_copied_opens_nothing(photos, tmp_path):
    (tmp_path / "1.png").write_bytes(b"secret")
    contents = import_sources.FolderSource(photos, "pets").contents()
    assert next(contents)[0].name == "cat/0.png"
    (photos / "pets/cat").rename(photos / "cats")
    (photos / "pets/cat").symlink_to(tmp_path)
    with pytest.raises(InputError, match="leads out"):
        next(contents)


def test_a_link_inside_the_place_counts_as_the_file(team, alice, photos):
    (photos / "pets/cat/again.png").symlink_to(photos / "pets/cat/0.png")
    assert imported(team, alice, "photos", "pets").state == UploadState.READY


def test_files_that_grow_meanwhile_are_not_followed(team, alice, photos, monkeypatch):
    version = services.create_import(team, alice, "Pets", "photos", "pets")
    real = imports._total

    def grow(*arguments):
        total = real(*arguments)
        (photos / "pets/dog/4.png").write_bytes(b"x" * 100_000)
        return total

    monkeypatch.setattr(imports, "_total", grow)
    run_queued_jobs()
    version.job.refresh_from_db()
    assert "grow while they are copied" in version.job.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"UPLOAD_MAX_BYTES": 100}, "this server takes at most 100 bytes"),
        ({"TEAM_QUOTA_BYTES": 100}, "the team Harbour has 100 bytes left"),
    ],
)
def test_the_limits_of_an_upload_hold(team, alice, photos, settings, change, words):
    for name, value in change.items():
        setattr(settings, name, value)
    version = imported(team, alice, "photos", "pets")
    assert version.state == UploadState.REFUSED
    assert words in version.job.message


def test_too_many_files_are_refused_before_the_first_is_copied(team, alice, photos, monkeypatch):
    class Fewer:
        max_files = 9

    monkeypatch.setattr(imports, "Limits", Fewer)
    assert "more than the 9 files allowed" in imported(team, alice, "photos", "pets").job.message


def test_a_full_disk_is_a_sentence(team, alice, photos, monkeypatch):
    usage = imports.shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(imports.shutil, "disk_usage", lambda path: usage)
    assert "the worker's disk has 1000 bytes free" in imported(team, alice, "photos", "pets").job.message


@pytest.mark.parametrize("path", ["nothing", "pets/nothing", "empty"])
def test_a_place_without_files_is_a_sentence(team, alice, photos, path):
    (photos / "empty").mkdir()
    message = imported(team, alice, "photos", path).job.message
    assert "There is no" in message or "There are no files" in message


def test_a_place_that_is_no_longer_allowed_is_a_sentence(team, alice, photos, settings):
    version = services.create_import(team, alice, "Pets", "photos", "pets")
    settings.IMPORT_DIRS = {}
    run_queued_jobs()
    version.job.refresh_from_db()
    assert "Nothing may be imported on this server" in version.job.message


def test_it_is_cancelled_while_it_copies_and_can_be_retried(team, alice, photos, monkeypatch):
    version = services.create_import(team, alice, "Pets", "photos", "pets")
    go_on = threading.Event()
    real = imports._Copy.count

    def slow(self, size):
        assert go_on.wait(30)
        real(self, size)

    monkeypatch.setattr(imports._Copy, "count", slow)
    monkeypatch.setattr(imports, "BEAT_SECONDS", 0)
    with executing(version.job):
        wait_for(lambda: Job.objects.filter(phase="copying").exists(), "the copy")
        version.job.refresh_from_db()
        assert version.state == UploadState.RECEIVING
        version.job.move_to(Status.CANCELLING)
        go_on.set()
    version.job.refresh_from_db()
    assert version.job.status == Status.CANCELLED
    client = client_of(alice)
    assert client.post(f"/api/v1/jobs/{version.job_id}/retry/").status_code == 201
    run_queued_jobs()
    version.refresh_from_db()
    assert version.state == UploadState.READY


def test_a_prefix_of_a_bucket_becomes_the_same_version(team, alice, photos, store):
    version = imported(team, alice, "lake", "pets")
    assert version.state == UploadState.READY, version.job.message
    assert version.content_hash == imported(team, alice, "photos", "pets").content_hash
    assert not [key for _, key in store.asked if key.startswith("secret")]


def test_an_archive_in_a_bucket_is_taken_as_it_is(team, alice, store):
    version = imported(team, alice, "lake", "pets.zip")
    assert (version.images, version.upload_name) == (10, "pets.zip")


def test_a_whole_bucket_can_be_a_place(team, alice, store, settings):
    store.objects = {name: content for name, content in images().items()}
    settings.IMPORT_S3 = {"lake": "s3://lake"}
    assert imported(team, alice, "lake", "").images == 10


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda store: store.sizes.update({"parts/pets/cat/0.png": 10_000}), "changed while it was copied"),
        (lambda store: store.sizes.update({"parts/pets/cat/0.png": 1}), "changed while it was copied"),
        (lambda store: setattr(store, "bucket", "another"), "The bucket lake cannot be read"),
        (lambda store: store.objects.clear(), "There are no files at this place"),
    ],
)
def test_a_bucket_that_is_not_as_it_said_is_a_sentence(team, alice, store, spoil, words):
    spoil(store)
    version = imported(team, alice, "lake", "pets")
    assert version.state == UploadState.REFUSED
    assert words in version.job.message


def test_the_api_lists_the_places_and_takes_one(team, alice, bob, charlie, photos):
    client = client_of(alice)
    assert client.get("/api/v1/datasets/imports/").json() == [{"name": "photos", "kind": "folder"}]
    body = {"name": "Pets", "source": "photos", "path": "pets", "class_count": 2}
    answer = client.post("/api/v1/datasets/imports/", body, format="json")
    assert answer.status_code == 201, answer.json()
    run_queued_jobs()
    assert client.get(f"/api/v1/dataset-versions/{answer.json()['id']}/").json()["state"] == "ready"
    assert client_of(bob).post("/api/v1/datasets/imports/", body, format="json").status_code == 403
    assert client_of(charlie).get(f"/api/v1/dataset-versions/{answer.json()['id']}/").status_code == 404


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        (
            {"source": "elsewhere"},
            "source",
            "There is no place 'elsewhere' to import from: choose one of photos.",
        ),
        ({"path": "../secret"}, "path", "write it without '..'"),
        ({"name": ""}, "name", "it is empty"),
    ],
)
def test_the_api_refuses_at_the_field(alice, photos, change, field, words):
    body = {"name": "Pets", "source": "photos", "path": "pets", **change}
    answer = client_of(alice).post("/api/v1/datasets/imports/", body, format="json")
    assert answer.status_code == 400
    assert words in answer.json()["errors"][field][0]


def test_the_page_is_there_when_something_may_be_imported(client, alice, photos, settings):
    client.login(username="alice", password=PASSWORD)
    assert "/datasets/import/" in client.get("/datasets/new/").content.decode()
    assert "photos (folder on the server)" in client.get("/datasets/import/").content.decode()
    form = {"name": "Pets", "source": "photos", "path": "../x"}
    refused = client.post("/datasets/import/", form)
    assert refused.status_code == 422
    assert 'value="../x"' in refused.content.decode()
    assert "stay below the chosen place" in refused.content.decode()
    answer = client.post("/datasets/import/", {**form, "path": "pets"}, follow=True)
    assert "Imported from photos/pets" in answer.content.decode()
    settings.IMPORT_DIRS = {}
    assert "the administrator names the places" in client.get("/datasets/import/").content.decode()
    assert client.post("/datasets/import/", {**form, "path": "pets"}).status_code == 422
    assert "/datasets/import/" not in client.get("/datasets/new/").content.decode()
