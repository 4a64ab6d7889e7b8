"""A person confirms how an upload was read before it is ready; or has it read again, or discards it."""

import datetime

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient
from review_builders import READING, doubtful, waiting_version

from portal.datasets import reviews, services
from portal.datasets.models import Dataset, DatasetQuerySet, DatasetVersion, Pack, Upload
from portal.datasets.refusals import NotInReview
from portal.datasets.states import Review
from portal.datasets.tasks import sweep_deleted, sweep_uploads
from portal.jobs.models import Job, Status
from portal.notify.models import Notification
from portal.runs import plan
from portal.runs.models import Run
from portal.runs.services import create_run
from portal.teams.models import AuditEntry
from tests.factories import class_zip, png
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api(alice):
    client = APIClient()
    client.force_authenticate(alice)
    return client


@pytest.fixture
def waiting(team, alice, run_jobs):
    return waiting_version(team, alice, run_jobs)


def stored_files(folder: str) -> list[str]:
    return default_storage.listdir(folder)[1]


def test_an_upload_that_nobody_asked_to_see_is_ready_after_its_check(team, alice, run_jobs):
    version = services.create_version(team, alice, "Pets", class_zip())
    run_jobs()
    version.refresh_from_db()
    assert version.is_ready and version.review == "" and version.upload_bytes == 0


def test_one_that_a_person_asked_to_see_waits_with_its_upload(waiting, api):
    assert waiting.in_review and not waiting.is_ready and waiting.upload_bytes > 0
    body = api.get(f"/api/v1/dataset-versions/{waiting.pk}/").json()
    assert (body["state"], body["status"], body["images"]) == ("review", "review", 10)
    for status, count in (("review", 1), ("succeeded", 0)):
        assert len(api.get(f"/api/v1/dataset-versions/?status={status}").json()["results"]) == count
    assert not DatasetVersion.objects.ready().exists()


def test_an_uncertain_reading_waits_although_nobody_asked(team, alice):
    version = services.create_version(team, alice, "Pets", class_zip())
    assert reviews.after_check(version, {"certain": False, "reading": READING})
    version.refresh_from_db()
    assert version.review == Review.WAITING and version.question == READING["question"]


def test_the_one_who_uploaded_is_told_of_a_doubt(waiting, alice):
    assert not Notification.objects.exists()  # they asked to see it
    reviews.after_check(waiting, {"certain": False, "reading": READING})
    assert Notification.objects.get(event="dataset.review").user == alice


def test_a_confirmation_makes_it_ready_and_removes_the_upload(waiting, api, alice):
    stored = waiting.upload.name
    answer = api.post(f"/api/v1/dataset-versions/{waiting.pk}/confirm/")
    assert answer.status_code == 200 and answer.json()["state"] == "ready"
    waiting.refresh_from_db()
    assert waiting.is_ready and waiting.confirmed_by == alice and waiting.upload_bytes == 0
    assert not default_storage.exists(stored)
    assert AuditEntry.objects.filter(verb="dataset.confirm").count() == 1


@pytest.mark.parametrize("act", ["confirm", "reread", "discard"])
def test_what_is_ready_is_not_confirmed_read_again_or_discarded(team, alice, run_jobs, api, act):
    version = services.create_version(team, alice, "Pets", class_zip())
    address = f"/api/v1/dataset-versions/{version.pk}/{act}/"
    answer = api.post(address, {}, format="json")
    assert answer.status_code == 409 and "being checked" in answer.json()["detail"]
    run_jobs()
    answer = api.post(address, {}, format="json")
    assert answer.status_code == 409 and "is ready already" in answer.json()["detail"]


def test_a_version_that_repeats_the_one_before_it_is_discarded_and_its_number_is_free(
    team, alice, run_jobs, api
):
    for _ in range(2):
        services.create_version(team, alice, "Pets", class_zip())
        run_jobs()
    first, second = DatasetVersion.objects.order_by("number")
    assert first.content_hash == second.content_hash
    assert api.post(f"/api/v1/dataset-versions/{second.pk}/discard/").status_code == 204
    assert list(DatasetVersion.objects.all()) == [first]
    assert services.create_version(team, alice, "Pets", class_zip()).number == 2


def test_a_repeated_version_that_a_run_names_stays(team, alice, run_jobs, api):
    for _ in range(2):
        version = services.create_version(team, alice, "Pets", class_zip())
        run_jobs()
    Seeder(team, alice).run(version)
    assert api.post(f"/api/v1/dataset-versions/{version.pk}/discard/").status_code == 409


def test_of_two_confirmations_one_wins(waiting, alice, bob):
    twin = DatasetVersion.objects.get(pk=waiting.pk)
    reviews.confirm(waiting, alice)
    with pytest.raises(NotInReview):
        reviews.confirm(twin, bob)
    assert DatasetVersion.objects.get().confirmed_by == alice


def test_reading_again_checks_the_same_upload_with_other_options(waiting, api, run_jobs):
    before = (waiting.job_id, waiting.index.name, set(Pack.objects.values_list("name", flat=True)))
    answer = api.post(
        f"/api/v1/dataset-versions/{waiting.pk}/reread/",
        {"val_fraction": 0.4, "as": "folders"},
        format="json",
    )
    assert answer.status_code == 200 and answer.json()["state"] == "received", answer.json()
    run_jobs()
    waiting.refresh_from_db()
    assert waiting.in_review and waiting.val_images == 4 and waiting.job_id != before[0]
    assert waiting.options == {"val_fraction": 0.4, "reading": {"as": "folders"}}
    # The images were packed already, and the index of the first check is gone.
    assert set(Pack.objects.values_list("name", flat=True)) == before[2]
    assert waiting.index.name != before[1] and not default_storage.exists(before[1])


def test_one_that_was_refused_can_be_read_again(team, alice, api, run_jobs):
    version = services.create_version(team, alice, "Pets", class_zip(), {"class_count": 3})
    run_jobs()
    address = f"/api/v1/dataset-versions/{version.pk}/"
    assert api.get(address).json()["state"] == "refused"
    assert api.post(f"{address}confirm/").status_code == 409
    assert api.post(f"{address}reread/", {"class_count": None}, format="json").status_code == 200
    run_jobs()
    assert api.get(address).json()["state"] == "review"


def test_a_job_that_was_replaced_by_another_reading_cannot_be_retried(team, alice, api, run_jobs):
    version = services.create_version(team, alice, "Pets", class_zip(), {"class_count": 3})
    run_jobs()
    old = Job.objects.get()
    api.post(f"/api/v1/dataset-versions/{version.pk}/reread/", {"class_count": None}, format="json")
    assert api.post(f"/api/v1/jobs/{old.pk}/retry/").status_code == 409


def test_packs_that_a_second_reading_no_longer_needs_are_swept(waiting, team):
    left = Pack.objects.create(
        dataset=waiting.dataset, name="left", file=default_storage.save("left.pack", class_zip()), bytes=1
    )
    sweep_deleted()
    assert not Pack.objects.filter(pk=left.pk).exists() and not default_storage.exists("left.pack")
    assert waiting.packs.exists()


def test_a_discarded_upload_leaves_nothing_behind(waiting, api):
    files = [waiting.upload.name, waiting.index.name, *waiting.packs.values_list("file", flat=True)]
    assert api.post(f"/api/v1/dataset-versions/{waiting.pk}/discard/").status_code == 204
    assert not DatasetVersion.objects.exists() and not Dataset.objects.exists()
    assert not any(map(default_storage.exists, files))
    assert AuditEntry.objects.filter(verb="dataset.discard").count() == 1


def test_a_discarded_upload_leaves_the_datasets_other_versions(team, alice, run_jobs, waiting):
    reviews.confirm(waiting, alice)
    second = services.create_version(team, alice, "Pets", class_zip(images=6), {"review": True})
    run_jobs()
    second.refresh_from_db()
    reviews.discard(second, alice)
    assert list(DatasetVersion.objects.all()) == [waiting]
    waiting.refresh_from_db()
    assert all(default_storage.exists(pack.file.name) for pack in waiting.packs.all())


def test_a_discarded_upload_leaves_its_number_to_the_next_one(team, alice, run_jobs, waiting):
    reviews.confirm(waiting, alice)
    second = services.create_version(team, alice, "Pets", class_zip(), {"review": True})
    run_jobs()
    reviews.discard(second, alice)
    assert services.create_version(team, alice, "Pets", class_zip()).number == second.number == 2


def test_a_number_stays_used_where_a_later_version_or_a_run_has_come(team, alice, run_jobs, waiting):
    second = services.create_version(team, alice, "Pets", class_zip())
    run_jobs()
    reviews.discard(waiting, alice)
    assert services.create_version(team, alice, "Pets", class_zip()).number == second.number + 1 == 3


def test_an_upload_to_a_dataset_that_is_discarded_meanwhile_makes_it_anew(team, alice, waiting, monkeypatch):
    find, discards = DatasetQuerySet.get_or_create, [waiting]

    def find_and_discard(self, **fields):
        found = find(self, **fields)
        if discards:
            reviews.discard(discards.pop(), alice)
        return found

    monkeypatch.setattr(DatasetQuerySet, "get_or_create", find_and_discard)
    version = services.create_version(team, alice, "Pets", class_zip())
    assert version.number == 1 and Dataset.objects.get() == version.dataset


def test_an_upload_that_nobody_confirms_is_discarded_in_the_end(waiting):
    sweep_uploads()
    assert DatasetVersion.objects.filter(pk=waiting.pk, deleted_at=None).exists()
    long_ago = timezone.now() - reviews.KEPT - datetime.timedelta(minutes=1)
    Job.objects.update(finished_at=long_ago)
    sweep_uploads()
    assert not DatasetVersion.objects.exists() and not Upload.objects.exists()


def test_a_run_waits_for_the_confirmation(waiting, team, alice):
    run = start(team, alice, waiting)
    assert run.status == Status.RUNNING and not run.steps.exclude(job=None).exists()
    assert "needs review" in run.message
    reviews.confirm(waiting, alice)
    run.refresh_from_db()
    assert run.steps.exclude(job=None).exists() and not run.message


def test_a_run_on_a_discarded_upload_fails_with_a_sentence(waiting, team, alice):
    run = start(team, alice, waiting)
    reviews.discard(waiting, alice)
    run.refresh_from_db()
    assert run.status == Status.FAILED and "discarded before anybody confirmed it" in run.message


def start(team, user, version) -> Run:
    return create_run(plan.make_plan(version, preset="fast", chips=["rv1106"]), team, user)


def test_the_next_upload_remembers_how_the_last_one_was_confirmed(team, alice, waiting):
    reviews.confirm(doubtful(waiting), alice)
    dataset = Dataset.objects.get()
    assert dataset.reading == {"options": {"as": "folders"}, "format": "folders", "version": 1}
    again = services.create_version(team, alice, "Pets", class_zip())
    assert again.options["remembered"] == dataset.reading
    fresh = services.create_version(team, alice, "Pets", class_zip(), {"fresh": True})
    assert "remembered" not in fresh.options


def test_what_was_said_in_one_call_is_remembered_too(team, alice, run_jobs):
    services.create_version(team, alice, "Pets", class_zip())
    run_jobs()
    assert Dataset.objects.get().reading is None
    services.create_version(team, alice, "Pets", class_zip(), {"layout": "folders"})
    run_jobs()
    assert Dataset.objects.get().reading == {"options": {"as": "folders"}, "format": "folders", "version": 2}
    third = services.create_version(team, alice, "Pets", class_zip())
    run_jobs()
    third.refresh_from_db()
    assert third.is_ready and third.options["remembered"]["version"] == 2


def test_an_import_by_the_page_waits_to_be_confirmed(alices, settings, tmp_path, run_jobs):
    for number in range(10):
        path = tmp_path / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png((20 * number, 7, 9)))
    settings.IMPORT_DIRS = {"shelf": tmp_path}
    alices.post(reverse("dataset-import"), {"name": "Pets", "source": "shelf", "path": ""})
    run_jobs()
    version = DatasetVersion.objects.get()
    assert version.in_review, version.job.message
    reviews.reread(version, None, {"val_fraction": 0.4})
    run_jobs()
    version.refresh_from_db()
    assert version.in_review and version.val_images == 4


def test_the_api_tells_how_it_was_read(waiting, api):
    address = f"/api/v1/dataset-versions/{waiting.pk}/reading/"
    doubtful(waiting)
    body = api.get(address).json()
    assert (body["certain"], body["question"], body["state"]) == (False, READING["question"], "review")
    assert body["chosen"]["roles"][0] == {"folder": "cat", "role": "class", "images": 5}
    assert body["alternatives"][0]["options"]["label_column"] == "breed"


def test_options_of_a_reading_are_taken_from_metadata_and_forms(api):
    from portal.datasets.serializers import FileVersionSerializer, MetadataSerializer

    form = MetadataSerializer(
        data={
            "as": "csv",
            "one_hot": "cat\ndog",
            "roles": "seg_train=split:train\ntest=unlabelled",
            "review": "true",
        }
    )
    assert form.is_valid(), form.errors
    assert form.options() == {
        "review": True,
        "reading": {"as": "csv", "one_hot": ["cat", "dog"],
                    "roles": {"seg_train": "train", "test": "unlabelled"}},
    }  # fmt: skip
    bad = MetadataSerializer(data={"roles": "seg_train"})
    assert not bad.is_valid() and "folder=role" in str(bad.errors["roles"])
    assert FileVersionSerializer().get_fields()["as"].choices


@pytest.mark.parametrize(
    ("folder", "words"), [("x" * 501, "at most 500 characters"), ("a\u202eb", "hid"), ("a\nb", "line")]
)
def test_a_folder_that_roles_name_is_bounded_and_stands_on_one_line(folder, words):
    from portal.datasets.serializers import MetadataSerializer

    wrong = MetadataSerializer(data={"roles": {folder: "train"}})
    assert not wrong.is_valid()
    assert words in str(wrong.errors["roles"])


def test_a_waiting_upload_counts_for_the_quota_with_its_images(waiting, team):
    from portal.datasets import stored_bytes

    assert stored_bytes.of_uploads(team) == waiting.upload_bytes > 0
    assert stored_bytes.of_datasets(team) > 0
    reviews.discard(waiting, None)
    assert stored_bytes.of_uploads(team) == stored_bytes.of_datasets(team) == 0
