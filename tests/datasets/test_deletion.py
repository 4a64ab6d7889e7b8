"""Deleting datasets and versions: hidden at once, restored for some days, then swept; runs keep theirs."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import ProtectedError
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient
from upload_builders import two_classes, zipped

from portal.datasets import deletion
from portal.datasets.models import Dataset, DatasetVersion, Pack
from portal.datasets.services import create_version
from portal.datasets.staged_cache import staged
from portal.jobs.models import Job, Status
from portal.runs.plan import PlanError, make_plan
from portal.runs.services import create_run
from portal.teams.models import AuditEntry
from tests.factories import png

pytestmark = pytest.mark.django_db(transaction=True)


def uploaded(team, user, run_jobs, name="Pets", files=None) -> DatasetVersion:
    archive = SimpleUploadedFile("pets.zip", zipped(files or two_classes(4)))
    version = create_version(team, user, name, archive)
    run_jobs()
    return DatasetVersion.objects.get(pk=version.pk)


def plan(version):
    return make_plan(version, preset="fast", chips=["rv1106"])


def age(*rows, days=8):
    """Let some days pass since the deletion."""
    for row in rows:
        type(row).objects.filter(pk=row.pk).update(deleted_at=timezone.now() - timedelta(days=days))


def files_of(version) -> list[str]:
    return [version.index.name, *(pack.file.name for pack in version.packs.all())]


def exist(names) -> list[bool]:
    return [default_storage.exists(name) for name in names]


def client_of(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


# --- services ---------------------------------------------------------------------------------


def test_a_deleted_version_is_hidden_and_comes_back_whole(team, alice, run_jobs):
    version = uploaded(team, alice, run_jobs)
    deletion.delete_version(version, alice)
    assert DatasetVersion.objects.live().count() == 0 and version.is_deleted
    deletion.sweep()
    deletion.restore_version(version, alice)
    assert DatasetVersion.objects.live().get() == version
    assert staged(version).is_dir()
    verbs = list(AuditEntry.objects.filter(object_id=version.pk).values_list("verb", flat=True))
    assert "dataset.delete" in verbs and "dataset.restore" in verbs


def test_the_sweep_removes_a_version_with_its_files_after_some_days(team, alice, run_jobs, settings):
    settings.DATASET_KEPT_DAYS = 7
    version = uploaded(team, alice, run_jobs)
    names = files_of(version)
    deletion.delete_version(version, alice)
    age(version, days=6)
    deletion.sweep()
    assert all(exist(names)) and DatasetVersion.objects.count() == 1
    age(version, days=8)
    deletion.sweep()
    assert not any(exist(names)) and DatasetVersion.objects.count() == Pack.objects.count() == 0
    assert Dataset.objects.count() == 1, "the dataset itself was not deleted"
    assert Job.objects.get().artifacts.count() == 0


def test_the_sweep_keeps_the_packs_that_another_version_points_into(team, alice, run_jobs):
    first = uploaded(team, alice, run_jobs)
    second = uploaded(team, alice, run_jobs, files={**two_classes(4), "cat/new.png": png((9, 9, 9))})
    new = second.packs.exclude(pk__in=first.packs.all()).get()
    deletion.delete_version(first, alice)
    age(first)
    deletion.sweep()
    assert DatasetVersion.objects.get() == second and Pack.objects.count() == 2
    assert staged(second).is_dir()
    second.refresh_from_db()
    assert second.parent is None
    deletion.delete_version(second, alice)
    age(second)
    deletion.sweep()
    assert Pack.objects.count() == 0 and not default_storage.exists(new.file.name)


def test_what_a_run_names_is_hidden_and_never_swept(team, alice, run_jobs):
    version = uploaded(team, alice, run_jobs)
    run = create_run(plan(version), team, alice)
    deletion.delete_version(version, alice)
    deletion.delete_dataset(version.dataset, alice)
    age(version, version.dataset)
    deletion.sweep()
    deletion._remove(version.pk)
    assert all(exist(files_of(version))) and Dataset.objects.count() == 1
    run_jobs()
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED and run.dataset_version.content_hash == version.content_hash
    with pytest.raises(ProtectedError):
        version.delete()


def test_a_deleted_version_starts_no_run_however_late_it_is_noticed(team, alice, run_jobs):
    version = uploaded(team, alice, run_jobs)
    made = plan(version)
    deletion.delete_version(version, alice)
    with pytest.raises(PlanError, match="Pets v1 was deleted: restore it, or choose another one"):
        plan(version)
    with pytest.raises(PlanError, match="was deleted"):
        create_run(made, team, alice)
    age(version)
    deletion.sweep()
    with pytest.raises(PlanError, match="was deleted"):
        create_run(made, team, alice)


def test_a_run_made_between_the_look_and_the_removal_keeps_its_version(team, alice, run_jobs, monkeypatch):
    version = uploaded(team, alice, run_jobs)
    deletion.delete_version(version, alice)
    age(version)
    remove = deletion._remove

    def restored_and_used_first(pk):
        deletion.restore_version(version, alice)
        create_run(plan(DatasetVersion.objects.get(pk=pk)), team, alice)
        remove(pk)

    monkeypatch.setattr(deletion, "_remove", restored_and_used_first)
    deletion.sweep()
    assert DatasetVersion.objects.live().get() == version and all(exist(files_of(version)))


def test_no_pack_goes_while_another_version_is_being_checked(team, alice, run_jobs):
    version = uploaded(team, alice, run_jobs)
    names = files_of(version)
    deletion.delete_version(version, alice)
    age(version)
    archive = SimpleUploadedFile("pets.zip", zipped(two_classes(4)))
    second = create_version(team, alice, "Pets", archive)
    deletion.sweep()
    assert all(exist(names))
    run_jobs()
    second.refresh_from_db()
    assert second.parent is None, "a deleted version is no parent"
    deletion.sweep()
    assert staged(DatasetVersion.objects.get()).is_dir()


def test_deleting_a_dataset_frees_its_name_and_restoring_it_needs_the_name(team, alice, run_jobs):
    first = uploaded(team, alice, run_jobs).dataset
    deletion.delete_dataset(first, alice)
    second = uploaded(team, alice, run_jobs).dataset
    assert second != first and Dataset.objects.live().get() == second
    with pytest.raises(deletion.NameTaken, match="another dataset called Pets: rename that one first"):
        deletion.restore_dataset(first, alice)
    first.refresh_from_db()
    assert first.deleted_at is not None
    deletion.rename(second, alice, "Pets of the other shop")
    deletion.restore_dataset(first, alice)
    assert set(Dataset.objects.live()) == {first, second}
    with pytest.raises(deletion.NameTaken):
        deletion.rename(second, alice, "Pets")


def test_a_version_deleted_before_its_dataset_stays_deleted_when_that_comes_back(team, alice, run_jobs):
    first, second = (uploaded(team, alice, run_jobs) for _ in range(2))
    deletion.delete_version(first, alice)
    deletion.delete_dataset(first.dataset, alice)
    assert DatasetVersion.objects.live().count() == 0
    deletion.restore_dataset(first.dataset, alice)
    assert DatasetVersion.objects.live().get() == second


def test_a_number_is_never_used_again(team, alice, run_jobs):
    version = uploaded(team, alice, run_jobs)
    deletion.delete_version(version, alice)
    age(version)
    deletion.sweep()
    assert uploaded(team, alice, run_jobs).number == 2


def test_deleting_what_is_being_checked_stops_the_check(team, alice, run_jobs):
    archive = SimpleUploadedFile("pets.zip", zipped(two_classes(4)))
    version = create_version(team, alice, "Pets", archive)
    deletion.delete_version(version, alice)
    version.job.refresh_from_db()
    assert version.job.status == Status.CANCELLED
    age(version)
    deletion.sweep()
    assert DatasetVersion.objects.count() == 0
    assert not default_storage.exists(version.upload.name)


# --- API --------------------------------------------------------------------------------------


def test_the_api_deletes_lists_and_restores(team, alice, bob, charlie, run_jobs):
    version = uploaded(team, alice, run_jobs)
    for name, row in (("dataset-versions", version), ("datasets", version.dataset)):
        address = f"/api/v1/{name}/{row.pk}/"
        assert client_of(bob).delete(address).status_code == 403
        assert client_of(charlie).delete(address).status_code == 404
        assert client_of(alice).delete(address).status_code == 204
        assert client_of(alice).get(f"/api/v1/{name}/").json()["results"] == []
        deleted = client_of(alice).get(f"/api/v1/{name}/?deleted=true").json()["results"]
        assert [one["id"] for one in deleted] == [row.pk] and deleted[0]["deleted_at"]
        assert client_of(alice).get(address).json()["deleted_at"]
        assert client_of(bob).post(f"{address}restore/").status_code == 403
        assert client_of(charlie).post(f"{address}restore/").status_code == 404
        assert client_of(alice).post(f"{address}restore/").json()["deleted_at"] is None
        assert len(client_of(bob).get(f"/api/v1/{name}/").json()["results"]) == 1
        assert client_of(alice).get(f"/api/v1/{name}/?deleted=true").json()["results"] == []


def test_the_api_renames_and_refuses_a_name_that_is_taken(team, alice, bob, charlie, run_jobs):
    dataset = uploaded(team, alice, run_jobs).dataset
    Dataset.objects.create(team=team, name="Cats")
    address = f"/api/v1/datasets/{dataset.pk}/"
    assert client_of(alice).patch(address, {"name": "Dogs"}, format="json").json()["name"] == "Dogs"
    taken = client_of(alice).patch(address, {"name": "Cats"}, format="json")
    assert taken.status_code == 400 and "another dataset called Cats" in taken.json()["errors"]["name"][0]
    for bad in ("", " ", "x" * 121):
        assert "name" in client_of(alice).patch(address, {"name": bad}, format="json").json()["errors"]
    assert client_of(bob).patch(address, {"name": "X"}, format="json").status_code == 403
    assert client_of(charlie).patch(address, {"name": "X"}, format="json").status_code == 404


def test_a_dataset_tells_what_it_takes_and_how_many_versions_it_has(team, alice, run_jobs):
    version = uploaded(team, alice, run_jobs)
    uploaded(team, alice, run_jobs)
    row = client_of(alice).get(f"/api/v1/datasets/{version.dataset_id}/").json()
    assert row["versions"] == 2 and row["stored_bytes"] == Pack.objects.get().bytes
    deletion.delete_version(DatasetVersion.objects.get(number=2), alice)
    row = client_of(alice).get("/api/v1/datasets/").json()["results"][0]
    assert row["versions"] == 1 and row["newest_version"] == version.pk
    empty = Dataset.objects.create(team=team, name="Empty")
    row = client_of(alice).get(f"/api/v1/datasets/{empty.pk}/").json()
    assert (row["versions"], row["stored_bytes"], row["newest_version"]) == (0, 0, None)


def test_what_is_deleted_is_offered_nowhere(client, team, alice, run_jobs):
    version = uploaded(team, alice, run_jobs)
    client.force_login(alice)
    deletion.delete_dataset(version.dataset, alice)
    assert "Pets" not in client.get(reverse("dataset-list")).content.decode()
    assert "Pets v1" not in client.get(reverse("run-new")).content.decode()
    body = {"dataset_version": version.pk, "preset": "fast", "chips": ["rv1106"]}
    answer = client_of(alice).post("/api/v1/runs/", body, format="json")
    assert answer.status_code == 400 and "was deleted" in answer.json()["errors"]["dataset_version"][0]


# --- pages ------------------------------------------------------------------------------------


def page_of(client, name, *args, status=200):
    answer = client.get(reverse(name, args=args))
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


def test_the_pages_ask_then_delete_and_offer_to_restore(client, team, alice, bob, run_jobs):
    version = uploaded(team, alice, run_jobs)
    create_run(plan(version), team, alice)
    client.force_login(alice)
    asked = page_of(client, "dataset-version-delete", version.pk)
    for words in ("its 8 images is hidden", "Within 7 days", "a run was made with it"):
        assert words in asked
    client.post(reverse("dataset-version-delete", args=[version.pk]))
    assert "This version is deleted." in page_of(client, "dataset-version", version.pk)
    assert ">v1<" not in page_of(client, "dataset-detail", version.dataset_id)
    assert "Pets v1" in page_of(client, "dataset-deleted-list")
    assert reverse("dataset-deleted-list") in page_of(client, "dataset-list")
    client.post(reverse("dataset-version-restore", args=[version.pk]))
    assert "Nothing has been deleted." in page_of(client, "dataset-deleted-list")
    asked = page_of(client, "dataset-delete", version.dataset_id)
    assert "its name is free" in asked and "1 version of it stays hidden" in asked
    client.post(reverse("dataset-delete", args=[version.dataset_id]))
    assert "The dataset Pets is deleted." in page_of(client, "dataset-detail", version.dataset_id)
    client.force_login(bob)
    assert "Restore" not in page_of(client, "dataset-deleted-list").replace("Restored", "")
    client.force_login(alice)
    client.post(reverse("dataset-restore", args=[version.dataset_id]))
    assert Dataset.objects.live().count() == 1


def test_the_pages_rename_and_say_when_a_name_is_taken(client, team, alice, run_jobs):
    dataset = uploaded(team, alice, run_jobs).dataset
    Dataset.objects.create(team=team, name="Cats")
    client.force_login(alice)
    answer = client.post(reverse("dataset-rename", args=[dataset.pk]), {"name": "Cats"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "another dataset called Cats" in page and 'value="Cats"' in page and "Rename Pets" in page
    client.post(reverse("dataset-rename", args=[dataset.pk]), {"name": "Dogs"})
    dataset.refresh_from_db()
    assert dataset.name == "Dogs"
    deletion.delete_dataset(dataset, alice)
    Dataset.objects.create(team=team, name="Dogs")
    answer = client.post(reverse("dataset-restore", args=[dataset.pk]), follow=True)
    assert "another dataset called Dogs" in answer.content.decode()
