"""The API tells what changed between two versions of a dataset."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient
from upload_builders import two_classes, zipped

from portal.datasets.models import DatasetVersion
from portal.datasets.services import create_version
from tests.factories import png

pytestmark = pytest.mark.django_db(transaction=True)


def uploaded(team, user, files, run_jobs, name="Pets") -> DatasetVersion:
    version = create_version(team, user, name, SimpleUploadedFile("pets.zip", zipped(files)))
    run_jobs()
    return version


@pytest.fixture
def versions(team, alice, run_jobs):
    """A version with its own split, and one that lost, got, relabelled and moved an image."""
    files = {f"{side}/{path}": content for path, content in two_classes(4).items()
             for side in [("train", "val")["3" in path]]}  # fmt: skip
    first = uploaded(team, alice, files, run_jobs)
    files["train/dog/0.png"], files["train/cat/0.png"] = files.pop("train/cat/0.png"), png((9, 9, 9))
    files["val/cat/1.png"] = files.pop("train/cat/1.png")
    return first, uploaded(team, alice, files, run_jobs)


def ask(user, version, **query):
    client = APIClient()
    client.force_authenticate(user)
    return client.get(f"/api/v1/dataset-versions/{version.pk}/diff/", query)


def test_the_changes_are_listed_with_both_sides(versions, alice, bob):
    first, second = versions
    for person in (alice, bob):
        answer = ask(person, second)
        assert answer.status_code == 200, answer.json()
    found = answer.json()
    assert found["against"] == first.pk and found["version"] == second.pk and found["next"] is None
    assert found["counts"] == {"added": 1, "removed": 1, "relabelled": 1, "moved": 1}
    by_kind = {change["kind"]: change for change in found["changes"]}
    assert by_kind["relabelled"]["before"]["class_name"] == "cat"
    assert by_kind["relabelled"]["after"]["class_name"] == "dog"
    assert by_kind["moved"]["before"]["split"] == "train" and by_kind["moved"]["after"]["split"] == "val"
    assert by_kind["added"]["before"] is None and by_kind["removed"]["after"] is None
    assert by_kind["removed"]["before"]["original"] == "train/dog/0.png"
    version = APIClient()
    version.force_authenticate(bob)
    detail = version.get(f"/api/v1/dataset-versions/{second.pk}/").json()
    assert detail["diff"] == found["counts"] and detail["parent"] == first.pk


def test_the_changes_come_in_pages_and_by_kind(versions, alice):
    second = versions[1]
    seen, after = [], 0
    while after is not None:
        page = ask(alice, second, limit=3, after=after).json()
        seen += page["changes"]
        after = page["next"]
    assert len(seen) == 4 and len({change["number"] for change in seen}) == 4
    moved = ask(alice, second, kind="moved").json()
    assert [change["kind"] for change in moved["changes"]] == ["moved"] and moved["counts"]["added"] == 1


def test_any_two_versions_of_a_dataset_can_be_compared_and_no_others(
    versions, team, alice, charlie, run_jobs
):
    first, second = versions
    back = ask(alice, first, against=second.pk).json()
    assert back["counts"] == {"added": 1, "removed": 1, "relabelled": 1, "moved": 1}
    other = uploaded(team, alice, two_classes(4), run_jobs, "Others")
    for against in (other.pk, 999999):
        answer = ask(alice, second, against=against)
        assert answer.status_code == 400
        assert "no version with the id" in answer.json()["errors"]["against"][0]
    assert "This is a first version" in ask(alice, first).json()["errors"]["against"][0]
    assert ask(charlie, second).status_code == 404


@pytest.mark.parametrize("query, field", [
    ({"kind": "changed"}, "kind"), ({"limit": 0}, "limit"), ({"limit": 10**6}, "limit"),
    ({"after": -1}, "after"), ({"against": "x"}, "against"), ({"after": 10**30}, "after"),
    ({"against": 10**30}, "against"),
])  # fmt: skip
def test_a_wrong_question_is_refused_at_its_field(versions, alice, query, field):
    answer = ask(alice, versions[1], **query)
    assert answer.status_code == 400 and field in answer.json()["errors"]


def test_a_version_that_is_being_checked_cannot_be_compared_yet(versions, team, alice):
    third = create_version(team, alice, "Pets", SimpleUploadedFile("pets.zip", zipped(two_classes(4))))
    answer = ask(alice, third, against=versions[0].pk)
    assert "is not ready" in answer.json()["errors"]["against"][0]
