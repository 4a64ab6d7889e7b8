"""How a version is split and what it adds to, as people and programs say it."""

import base64

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from rest_framework.test import APIClient
from upload_builders import two_classes, zipped

from portal.datasets import indexes
from portal.datasets.models import DatasetVersion, Upload
from tests.factories import png

pytestmark = pytest.mark.django_db(transaction=True)
FRAMES = {f"{name}/video{video}_{frame}.png": png((video, frame, 50 * k))
          for k, name in enumerate(("cat", "dog")) for video in range(5) for frame in range(4)}  # fmt: skip
PATTERN = r"([^/]+)_\d+\.png$"


def archive(files) -> SimpleUploadedFile:
    return SimpleUploadedFile("pets.zip", zipped(files))


def client_of(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


def post(user, run_jobs, files, **fields):
    answer = client_of(user).post("/api/v1/datasets/", {"name": "Pets", "file": archive(files), **fields})
    assert answer.status_code == 201, answer.json()
    run_jobs()
    version = DatasetVersion.objects.get(pk=answer.json()["id"])
    assert version.is_ready, version.job.message
    return version


def sides(version) -> dict[str, str]:
    with indexes.opened(version) as index:
        return {image.original: image.split for image in index.all()}


def groups_are_whole(version) -> bool:
    by_group = {}
    for path, side in sides(version).items():
        by_group.setdefault(path.rpartition("_")[0].partition("/")[2], set()).add(side)
    return all(len(found) == 1 for found in by_group.values())


def test_the_api_splits_by_groups_by_seed_or_as_given(team, alice, run_jobs):
    by_group = post(alice, run_jobs, FRAMES, split="group", split_group=PATTERN)
    assert by_group.split == "group" and groups_are_whole(by_group)
    drawn = post(alice, run_jobs, FRAMES, split="stratified", seed=3)
    assert drawn.split == "stratified" and not groups_are_whole(drawn)
    other = post(alice, run_jobs, FRAMES, split="stratified", seed=4)
    assert sides(other) != sides(drawn) and other.diff["added"] == 0 and other.diff["moved"] > 0
    files = {f"{('train', 'val')['0.png' in path]}/{path}": content for path, content in FRAMES.items()}
    given = post(alice, run_jobs, files, split="given")
    assert given.split == "given" and sum(side == "val" for side in sides(given).values()) == 10
    redrawn = post(alice, run_jobs, files, split="stratified", val_fraction=0.5)
    assert redrawn.split == "stratified" and redrawn.val_images == 20


def test_a_test_split_is_drawn_and_given_by_the_upload(team, alice, run_jobs):
    drawn = post(alice, run_jobs, FRAMES, test_fraction=0.25)
    assert (drawn.train_images, drawn.val_images, drawn.test_images) == (22, 8, 10)
    by_group = post(alice, run_jobs, FRAMES, split="group", split_group=PATTERN, test_fraction=0.25)
    assert by_group.test_images and groups_are_whole(by_group)
    part = {"0.png": "test", "1.png": "val"}
    files = {f"{part.get(path[-5:], 'train')}/{path}": content for path, content in FRAMES.items()}
    given = post(alice, run_jobs, files)
    assert given.split == "given" and given.test_images == 10


def test_images_are_added_to_the_newest_version_and_leave_it_as_it_is(team, alice, run_jobs):
    first = post(alice, run_jobs, two_classes(10))
    more = {"cat/new.png": png((1, 2, 3)), "owl/1.png": png((4, 5, 6)), "owl/2.png": png((7, 8, 9))}
    second = post(alice, run_jobs, more, mode="add")
    assert second.class_names == ["cat", "dog", "owl"] and second.images == 23
    assert second.diff == {"added": 3, "removed": 0, "relabelled": 0, "moved": 0}
    before = sides(first)
    assert {path: side for path, side in sides(second).items() if path in before} == before
    third = post(alice, run_jobs, two_classes(10), mode="replace")
    assert third.images == 20 and third.diff["removed"] == 3


def test_an_addition_waits_for_the_check_of_the_version_before(team, alice, run_jobs):
    client = client_of(alice)
    for fields in ({}, {"mode": "add"}):
        files = (
            two_classes(10) if not fields else {"cat/new.png": png((1, 2, 3)), "dog/new.png": png((1, 2, 4))}
        )
        answer = client.post("/api/v1/datasets/", {"name": "Pets", "file": archive(files), **fields})
        assert answer.status_code == 201, answer.json()
    run_jobs()
    assert [version.images for version in DatasetVersion.objects.order_by("number")] == [20, 22]


@pytest.mark.parametrize("fields, field, words", [
    ({"split": "group"}, "split_group", "write the pattern"),
    ({"split": "group", "split_group": "("}, "split_group", "no regular expression that can be used here"),
    ({"split": "stratified", "split_group": "a"}, "split_group", "choose that one"),
    ({"split_group": "x" * 201}, "split_group", "200 characters"),
    ({"split": "by hand"}, "split", "by hand"),
    ({"mode": "add"}, "mode", "There is no version of Pets that images could be added to"),
    ({"mode": "merge"}, "mode", "merge"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_at_its_field(client, team, alice, fields, field, words):
    answer = client_of(alice).post("/api/v1/datasets/", {"name": "Pets", "file": archive(FRAMES), **fields})
    assert answer.status_code == 400 and words in answer.json()["errors"][field][0]
    client.force_login(alice)
    page = client.post(reverse("dataset-new"), {"name": "Pets", "file": archive(FRAMES), **fields})
    assert page.status_code == 422
    assert words in page.context["form"].errors[field][0] and "<details" in page.content.decode()
    assert DatasetVersion.objects.count() == 0


def test_the_form_says_all_of_it(client, team, alice, run_jobs):
    client.force_login(alice)
    fields = {"split": "group", "split_group": PATTERN, "val_percent": "40", "seed": "7"}
    client.post(reverse("dataset-new"), {"name": "Pets", "file": archive(FRAMES), **fields})
    run_jobs()
    version = DatasetVersion.objects.get()
    assert version.options == {"split": "group", "split_group": PATTERN, "val_fraction": 0.4, "seed": 7}
    assert groups_are_whole(version) and version.val_images == 16
    page = client.get(reverse("dataset-new"), {"dataset": version.dataset_id, "mode": "add"}).content.decode()
    assert '<option value="add" selected>' in page and '<details class="mb-3" open>' in page


def test_a_resumable_upload_says_it_in_its_metadata(client, team, alice):
    words = {
        "filename": "a.zip",
        "dataset": "Pets",
        "split": "group",
        "split_group": PATTERN,
        "mode": "replace",
    }
    metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in words.items())
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "10", "Upload-Metadata": metadata}
    answer = client_of(alice).post("/api/v1/uploads/", headers=headers)
    assert answer.status_code == 201, answer.content
    assert Upload.objects.get().options == {"split": "group", "split_group": PATTERN, "mode": "replace"}
    bad = metadata.replace(base64.b64encode(PATTERN.encode()).decode(), base64.b64encode(b"(").decode())
    answer = client_of(alice).post("/api/v1/uploads/", headers=headers | {"Upload-Metadata": bad})
    assert answer.status_code == 400 and "split_group" in answer.json()["errors"]
