"""The upload forms: an upload received before, unfinished ones, limits and quota."""

import io

from django.urls import reverse

from portal.datasets import receiving, uploads
from portal.datasets.models import DatasetVersion, Upload
from portal.jobs.models import Job, Status
from tests.factories import class_zip


def received(team, user, data: bytes | None = None, share: float = 1.0) -> Upload:
    data = data or class_zip().read()
    upload = uploads.create(team, user, len(data), "pets.zip")
    arrived = data[: int(len(data) * share)]
    receiving.append(upload, 0, receiving.Body(io.BytesIO(arrived).read, len(arrived)))
    return upload


def page(client, name="dataset-new", **query):
    return " ".join(client.get(reverse(name), query).content.decode().split())


def test_a_received_upload_makes_a_version_and_no_second_one(alices, team, alice):
    fields = {"name": "Pets", "received": str(received(team, alice).pk), "val_percent": "25"}
    answer = alices.post(reverse("dataset-new"), fields)
    version = DatasetVersion.objects.get()
    assert answer["Location"] == reverse("dataset-version", args=[version.pk])
    assert (version.upload_name, version.options) == ("pets.zip", {"val_fraction": 0.25})
    again = alices.post(reverse("dataset-new"), fields)
    assert again.status_code == 422
    assert "no longer there: choose it again" in again.content.decode()
    assert DatasetVersion.objects.count() == 1


def test_an_upload_that_is_not_whole_or_another_teams_is_not_taken(alices, people, team, alice, charlie):
    others = charlie.memberships.get().team
    for upload in (received(team, alice, share=0.5), received(others, charlie)):
        answer = alices.post(reverse("dataset-new"), {"name": "Pets", "received": str(upload.pk)})
        assert answer.status_code == 422
    assert not DatasetVersion.objects.exists()


def test_a_form_without_any_file_is_refused_at_its_field(alices):
    answer = alices.post(reverse("dataset-new"), {"name": "Pets"})
    assert answer.status_code == 422
    assert "Choose the archive to upload." in answer.content.decode()


def test_a_run_starts_from_a_received_upload(alices, team, alice, transactional_db):
    fields = {"received": str(received(team, alice).pk), "preset": "fast", "chips": ["rv1106"]}
    assert alices.post(reverse("run-new"), fields).status_code == 302
    assert DatasetVersion.objects.get().dataset.name == "pets"


def test_unfinished_uploads_are_shown_to_who_began_them_and_can_be_discarded(alices, team, alice, bob):
    upload = received(team, alice, share=0.5)
    mine = page(alices)
    assert "Unfinished uploads" in mine and "pets.zip" in mine and "Receiving" in mine
    assert "Use it" not in mine
    url = reverse("upload-discard", args=[upload.pk])
    bobs = type(alices)()
    bobs.force_login(bob)
    assert bobs.post(url).status_code == 403
    assert alices.get(url).status_code == 405
    answer = alices.post(url, follow=True)
    assert "The upload of pets.zip is discarded." in answer.content.decode()
    assert not Upload.objects.exists()


def test_a_whole_upload_is_offered_and_fills_in_the_form(alices, team, alice):
    upload = received(team, alice)
    assert f"?received={upload.pk}" in page(alices)
    text = page(alices, received=upload.pk)
    assert f'value="{upload.pk}"' in text and 'value="pets"' in text
    assert "is here already" in text
    for nonsense in ("x", "5f0f6b7e-1111-4222-8333-444455556666"):
        assert "is here already" not in page(alices, received=nonsense)


def test_an_upload_that_became_a_dataset_is_not_discarded(alices, team, alice):
    upload = received(team, alice)
    alices.post(reverse("dataset-new"), {"name": "Pets", "received": str(upload.pk)})
    answer = alices.post(reverse("upload-discard", args=[upload.pk]), follow=True)
    assert "has become Pets v1 and can no longer be discarded" in answer.content.decode()
    assert Upload.objects.exists()


def test_the_quota_is_shown_and_kept_by_the_form_and_the_api(alices, settings):
    settings.TEAM_QUOTA_BYTES = 500
    text = page(alices)
    assert 'Remaining team quota</dt><dd class="num">500 bytes' in text
    assert 'data-upload-max="500"' in text
    answer = alices.post(reverse("dataset-new"), {"name": "Pets", "file": class_zip()})
    assert "500 bytes left of its 500 bytes" in answer.content.decode()
    answer = alices.post("/api/v1/datasets/", {"name": "Pets", "file": class_zip()})
    assert answer.status_code == 400
    assert "500 bytes left of its 500 bytes" in answer.json()["errors"]["file"][0]


def test_a_version_being_checked_says_which_of_the_four_states_it_is_in(alices, team, alice):
    alices.post(reverse("dataset-new"), {"name": "Pets", "received": str(received(team, alice).pk)})
    url = reverse("dataset-version", args=[DatasetVersion.objects.get().pk])
    for status, phase, word in (
        (Status.QUEUED, "", "Received"),
        (Status.RUNNING, "extracting", "Extracting"),
        (Status.RUNNING, "writing", "Checking"),
    ):
        Job.objects.update(status=status, phase=phase)
        assert f'<li aria-current="step">{word}</li>' in alices.get(url).content.decode()
