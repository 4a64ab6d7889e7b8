"""No transaction waits for storage, whatever is done: while it waits, nobody else can write."""

import io
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone
from PIL import Image
from rest_framework.test import APIClient

from portal.datasets import deletion, drafts, receiving, upload_retention, uploads
from portal.datasets.models import DatasetVersion, Upload
from portal.datasets.services import create_version
from portal.devices import services as devices
from portal.devices.models import Device
from portal.runs import deletion as run_deletion
from portal.runs.models import Run
from portal.runs.plan import make_plan
from portal.runs.services import create_run
from tests.attack.storage_guard import guard
from tests.factories import class_zip, png
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def touched(monkeypatch):
    return guard(monkeypatch)


def received(team, user, **more) -> Upload:
    data = class_zip().read()
    upload = uploads.create(team, user, len(data), "pets.zip", **more)
    half = len(data) // 2
    for start, end in ((0, half), (half, len(data))):
        receiving.append(upload, start, receiving.Body(io.BytesIO(data[start:end]).read, end - start))
        upload.refresh_from_db()
    return upload


def test_the_guard_notices_storage_in_a_transaction(touched):
    default_storage.exists("a")
    assert not touched
    with transaction.atomic():
        default_storage.exists("a")
    assert len(touched) == 1


def test_no_upload_edit_or_deletion_touches_storage_in_a_transaction(touched, team, alice, run_jobs):
    create_version(team, alice, "Pets", class_zip(images=8))
    received(team, alice, dataset_name="Sent in pieces")
    run_jobs()
    version = DatasetVersion.objects.get(dataset__name="Pets")
    assert all(one.is_ready for one in DatasetVersion.objects.all())
    drafts.add(alice, version, "remove", {"images": {"ids": [1]}})
    drafts.add(alice, version, "rename", {"class_id": 0, "name": "tabby"})
    made = drafts.commit(drafts.open_draft(alice, version.dataset))
    run_jobs()
    made.refresh_from_db()
    assert made.is_ready and made.images == version.images - 1
    uploads.discard(received(team, alice))
    Upload.objects.filter(version=None).update(expires_at=timezone.now() - timedelta(days=1))
    uploads.sweep()
    upload_retention.sweep()
    deletion.delete_dataset(version.dataset, alice)
    type(version.dataset).objects.update(deleted_at=timezone.now() - timedelta(days=60))
    deletion.sweep()
    deletion.sweep_leftovers()
    assert not DatasetVersion.objects.filter(dataset=version.dataset).exists()
    assert not touched, touched


def test_no_refused_or_repeated_upload_touches_storage_in_a_transaction(touched, team, alice, run_jobs):
    create_version(team, alice, "Pets", SimpleUploadedFile("pets.zip", b"no archive"))
    run_jobs()
    assert not touched, touched


def test_no_run_touches_storage_in_a_transaction(touched, client, team, alice, run_jobs):
    version = create_version(team, alice, "Pets", class_zip())
    run = create_run(make_plan(version, preset="fast", chips=("rv1106",)), team, alice)
    run_jobs()
    run = Run.objects.get(pk=run.pk)
    assert run.status == "succeeded", run.message
    client.force_login(alice)
    for address in (f"/runs/{run.pk}/", f"/api/v1/runs/{run.pk}/report/", "/datasets/"):
        assert client.get(address).status_code == 200
    files = [artifact.file.name for job in run.steps.all() for artifact in job.job.artifacts.all()]
    run_deletion.delete(run, alice)
    Run.objects.update(deleted_at=timezone.now() - timedelta(days=60))
    run_deletion.sweep()
    assert not Run.objects.exists() and not touched, touched
    assert files and not any(map(default_storage.exists, files))


def test_no_change_of_a_state_that_is_named_touches_storage_in_a_transaction(touched, team, alice, run_jobs):
    """``If-Match`` compares and changes in one transaction: what is read for it is in there, too."""
    seed = Seeder(team, alice)
    board, other = seed.device("Bench"), seed.device("Shelf")
    sent = [SimpleUploadedFile("0.png", png())]
    devices.start_inference(board, alice, sent).job.move_to("cancelled")
    run = seed.run(create_version(team, alice, "Pets", class_zip()))
    run_jobs()
    api = APIClient()
    api.force_authenticate(alice)
    version = run.dataset_version
    for method, address in (
        ("patch", f"runs/{run.pk}/"),
        ("delete", f"runs/{run.pk}/"),
        ("delete", f"devices/{board.pk}/"),
        ("patch", f"devices/{other.pk}/"),
        ("patch", f"datasets/{version.dataset_id}/"),
        ("delete", f"dataset-versions/{version.pk}/"),
        ("delete", f"datasets/{version.dataset_id}/"),
    ):
        body = {"name": f"{method} {address}"} if method == "patch" else None
        answer = getattr(api, method)(f"/api/v1/{address}", body, format="json", headers={"If-Match": "*"})
        assert answer.status_code in (200, 204), (method, address, answer.content)
    assert not touched, touched


def test_no_inference_touches_storage_in_a_transaction(touched, team, alice):
    board = Device.objects.create(
        team=team, created_by=alice, name="Board", profile="virtual", host="10.1.1.1", host_key="ssh-rsa x"
    )
    buffer = io.BytesIO()
    Image.new("RGB", (600, 600)).save(buffer, "PNG")
    sent = [SimpleUploadedFile(f"{n}.png", data) for n, data in enumerate([buffer.getvalue(), png()])]
    inference = devices.start_inference(board, alice, sent)
    inference.job.move_to("cancelled")
    devices.delete(board)
    assert not touched, touched
