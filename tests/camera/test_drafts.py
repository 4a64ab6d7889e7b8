"""Drafts of captured pictures: added once each, labelled, removed, made a version."""

import uuid
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from portal.camera import origins, services
from portal.camera.forms import CaptureForm
from portal.camera.models import CapturedImage, CaptureDraft
from portal.camera.refused import CaptureRefused
from portal.datasets.models import DatasetVersion
from portal.datasets.services import create_version
from portal.devices.models import Device
from portal.jobs.models import Job, Status
from portal.teams import quota_usage
from portal.teams.quotas import QuotaReached
from tests.devices.live import check_sentence
from tests.factories import class_zip, png, run_queued_jobs
from tests.seed import KEY


@pytest.fixture
def draft(team, alice):
    return services.begin(team, alice, "Bolts", "classification")


@pytest.fixture
def api(alice):
    client = APIClient()
    client.force_authenticate(alice)
    return client


def picture(number: int) -> bytes:
    return png((number % 256, 9 * number % 256, 90), (64, 48))


def files_of(key: str) -> int:
    """How many stored files have this key: tests that are undone leave theirs behind."""
    return sum(path.name.startswith(key) for path in Path(settings.VAR_DIR, "files", "captured").rglob("*.*"))


def fill(draft, classes=("bolt", "nut"), each=5):
    for number in range(each * len(classes)):
        services.add(draft, f"picture-{number}", picture(number), classes[number % len(classes)])


def test_a_picture_that_is_sent_again_is_stored_once(draft, api):
    url, key = f"/api/v1/capture-drafts/{draft.pk}/images/", str(uuid.uuid4())
    for _ in range(3):
        image = SimpleUploadedFile("a.png", picture(1), "image/png")
        answer = api.post(url, {"image": image, "key": key, "class_name": "bolt"}, format="multipart")
        assert answer.status_code == 201, answer.json()
    (row,) = draft.images.all()
    assert (row.class_name, row.origin, row.width) == ("bolt", "browser", 64)
    assert api.get(url).json()["results"][0]["key"] == key
    assert b"".join(api.get(f"{url}{row.pk}/").streaming_content) == picture(1)
    assert files_of(key) == 1


def test_two_requests_with_one_key_at_once_leave_one_picture(draft, monkeypatch):
    measured = services._measured

    def store_another_first(content):
        monkeypatch.undo()
        services.add(draft, "picture-at-once", picture(2))
        return measured(content)

    monkeypatch.setattr(services, "_measured", store_another_first)
    kept = services.add(draft, "picture-at-once", picture(1))
    assert kept == draft.images.get()
    assert files_of("picture-at-once") == 1


def test_the_origin_of_a_frame_counts_for_that_picture_only(draft, team, alice):
    device = Device.objects.create(team=team, created_by=alice, name="Bench", profile="virtual", host_key=KEY)
    signed = origins.sign(picture(1), device.pk, "release-1")
    true, other = (services.add(draft, f"picture-{n}", picture(n), origin=signed) for n in (1, 2))
    assert (true.origin, true.device, true.release) == ("device", device, "release-1")
    assert (other.origin, other.device, other.release) == ("browser", None, "")


@pytest.mark.parametrize(
    "content, words", [(b"", "empty"), (b"GIF89a", "decode"), (b"\xff\xd8\xff broken", "decode")]
)
def test_what_is_no_picture_is_refused_with_a_sentence(draft, content, words):
    with pytest.raises(CaptureRefused, match=words) as refusal:
        services.add(draft, "picture-1", content)
    check_sentence(str(refusal.value))
    assert not draft.images.exists()


def test_a_full_draft_and_a_full_team_take_no_more(draft, monkeypatch):
    services.add(draft, "picture-1", picture(1))
    monkeypatch.setattr(quota_usage, "left", lambda team: 10)
    with pytest.raises(QuotaReached, match="10"):
        services.add(draft, "picture-2", picture(2))
    monkeypatch.setattr(services, "MOST_IMAGES", 1)
    with pytest.raises(CaptureRefused, match="at most 1"):
        services.add(draft, "picture-2", picture(2))


def test_pictures_become_a_new_dataset_with_their_classes(draft, django_capture_on_commit_callbacks):
    fill(draft)
    version = services.commit(draft)
    run_queued_jobs()
    version.refresh_from_db()
    assert version.is_ready, version.job.message
    assert version.class_names == ["bolt", "nut"] and version.images == 10
    draft.refresh_from_db()
    assert draft.version == version and not draft.is_open
    names = list(draft.images.values_list("file", flat=True))
    with django_capture_on_commit_callbacks(execute=True):
        services.sweep()
    assert not CapturedImage.objects.exists() and not any(map(default_storage.exists, names))


def test_a_draft_is_not_reopened_beside_another_one(draft, team, alice):
    fill(draft)
    version = services.commit(draft)
    Job.objects.filter(pk=version.job_id).update(status=Status.FAILED)
    other = services.begin(team, alice, draft.dataset_name, draft.task)
    with pytest.raises(CaptureRefused, match="finish or discard it first"):
        services.reopen(CaptureDraft.objects.get(pk=draft.pk))
    services.discard(other)
    services.reopen(draft)
    assert CaptureDraft.objects.get(pk=draft.pk).is_open and draft.images.count() == 10


def test_pictures_are_added_to_the_newest_version_and_may_bring_a_class(team, alice):
    first = create_version(team, alice, "Pets", class_zip())
    run_queued_jobs()
    draft = services.begin(team, alice, "Pets")
    assert draft.task == "classification" and services.class_choices(draft) == ["cat", "dog"]
    fill(draft, ("Cat", "mouse"))
    version = services.commit(draft)
    run_queued_jobs()
    version = DatasetVersion.objects.get(pk=version.pk)
    assert version.is_ready, version.job.message
    assert version.class_names == ["cat", "dog", "mouse"]
    assert version.images == DatasetVersion.objects.get(pk=first.pk).images + 10


def test_pictures_for_detection_have_no_class_and_a_new_dataset_gets_its_classes(team, alice):
    draft = services.begin(team, alice, "Crossing", "detection")
    with pytest.raises(CaptureRefused, match="boxes"):
        services.add(draft, "picture-1", picture(1), "car")
    fill(draft, ("",), 6)
    with pytest.raises(CaptureRefused, match="Name the classes"):
        services.commit(draft)
    version = services.commit(draft, ["car", "bus"])
    run_queued_jobs()
    version = DatasetVersion.objects.get(pk=version.pk)
    assert version.task == "detection" and version.class_names == ["car", "bus"] and version.is_checked


def test_pictures_without_a_class_among_others_are_pointed_out(draft):
    fill(draft)
    bare = services.add(draft, "picture-bare", picture(99))
    with pytest.raises(CaptureRefused, match="1 image has no class"):
        services.commit(draft)
    services.relabel(draft, [bare.pk], "NUT")
    assert CapturedImage.objects.get(pk=bare.pk).class_name == "nut", "spelled as the class is"


def test_pictures_of_a_version_that_was_refused_can_be_gone_on_with(draft):
    fill(draft, ("bolt",), 3)
    version = services.commit(draft)
    run_queued_jobs()
    version.refresh_from_db()
    assert not version.is_ready, "one class is too few"
    draft.refresh_from_db()
    services.reopen(draft)
    services.add(draft, "picture-more", picture(50), "nut")
    assert draft.is_open and draft.images.count() == 4


def test_a_draft_is_its_makers_alone_and_can_be_discarded(draft, api, people, client):
    fill(draft, each=1)
    other = APIClient()
    other.force_authenticate(people["bob"])
    assert other.get(f"/api/v1/capture-drafts/{draft.pk}/").status_code == 403
    assert api.delete(f"/api/v1/capture-drafts/{draft.pk}/").status_code == 204
    assert not CapturedImage.objects.exists()
    with pytest.raises(CaptureRefused, match="no longer open"):
        services.store(CaptureDraft.objects.get(), "picture-9", picture(9), taken_at=draft.created_at)


def test_the_pages_lead_from_a_dataset_to_a_version(client, alice, team):
    client.force_login(alice)
    answer = client.post("/camera/", {"dataset": "Bolts", "task": "classification"})
    draft = CaptureDraft.objects.get()
    assert answer["Location"] == f"/camera/{draft.pk}/"
    fill(draft)
    page = client.get(f"/camera/{draft.pk}/").content.decode()
    assert page.count('name="image"') == 11 and "10 images" in page  # one is the template's
    ids = list(draft.images.values_list("pk", flat=True))
    client.post(f"/camera/{draft.pk}/change/", {"image": ids[:2], "act": "remove"})
    client.post(f"/camera/{draft.pk}/change/", {"image": ids[2:3], "act": "label", "class_name": "screw"})
    assert draft.images.count() == 8 and draft.images.filter(class_name="screw").count() == 1
    assert client.post(f"/camera/{draft.pk}/commit/")["Location"].startswith("/datasets/versions/")
    assert "Version created from these images" in client.get(f"/camera/{draft.pk}/").content.decode()


def test_the_class_of_a_capture_is_called_so_on_its_page(team):
    assert CaptureForm(team=team, has_classes=True)["class_name"].label == "Class"
