"""Drafts through the API: automation looks at images, relabels them and makes the next version."""

import pytest
from rest_framework.test import APIClient

from portal.datasets import drafts
from portal.datasets.draft_models import Draft
from portal.datasets.models import DatasetVersion
from tests.datasets.index_builders import boxed, ready_version

ROOT = "/api/v1/"


@pytest.fixture
def version(team, alice):
    return ready_version(team, alice)


@pytest.fixture
def api(alice):
    client = APIClient()
    client.force_authenticate(alice)
    return client


def post(client, address, body=None):
    return client.post(ROOT + address, body or {}, format="json")


def begun(client, version):
    return post(client, "drafts/", {"dataset_version": version.pk}).json()["id"]


def test_images_are_listed_by_filter_and_by_id(api, version, team, alice):
    address = f"{ROOT}dataset-versions/{version.pk}/images/"
    first = api.get(address, {"class_id": 1, "limit": 5}).json()
    assert (first["count"], len(first["images"]), first["next"]) == (8, 5, 13)
    second = api.get(address, {"class_id": 1, "limit": 5, "after": first["next"]}).json()
    assert len(second["images"]) == 3 and second["next"] is None
    assert first["images"][0]["original"].startswith("dog/") and first["images"][0]["boxes"] == []
    assert api.get(address, {"split": "dev"}).status_code == 400
    street = ready_version(team, alice, "Street", fill=boxed, task="detection")
    found = api.get(f"{ROOT}dataset-versions/{street.pk}/images/", {"limit": 1}).json()["images"][0]
    assert found["boxes"][1] == [1, 30, 8, 24.5, 30] and found["class_id"] is None


def test_changes_are_added_undone_and_committed(api, version, run_jobs):
    draft = f"drafts/{begun(api, version)}/"
    made = post(api, draft + "changes/", {"kind": "relabel", "ids": [1, 2], "class_id": 1})
    assert made.status_code == 201 and made.json()["images"] == 2
    post(api, draft + "changes/", {"kind": "split", "filter": {"class_id": 2}, "split": "val"})
    assert post(api, draft + "undo/").json()["changes"] == 1
    assert post(api, draft + "redo/").json()["changes"] == 2
    assert post(api, draft + "undo/").json()["changes"] == 1
    answer = post(api, draft + "commit/", {"message": "two dogs"})
    assert answer.status_code == 201
    run_jobs()
    assert DatasetVersion.objects.get(pk=answer.json()["id"]).diff["relabelled"] == 2
    assert api.get(ROOT + draft).json()["new_version"] == answer.json()["id"]
    assert post(api, draft + "changes/", {"kind": "remove", "ids": [1]}).status_code == 400


def test_beginning_again_goes_on_with_the_same_draft(api, version):
    assert begun(api, version) == begun(api, version)
    assert api.delete(f"{ROOT}drafts/{begun(api, version)}/").status_code == 204
    assert [draft["state"] for draft in api.get(f"{ROOT}drafts/").json()["results"]] == ["discarded"]


REFUSED = [
    ({"kind": "relabel", "ids": [1], "class_id": 9}, "class_id"),
    ({"kind": "relabel", "class_id": 1}, "ids"),
    ({"kind": "remove", "ids": [99]}, "ids"),
    ({"kind": "paint"}, "kind"),
    ({"kind": "rename", "class_id": 0, "name": "dog"}, "name"),
    ({"kind": "resplit", "how": "group", "pattern": "(("}, "pattern"),
    ({"kind": "split", "filter": {"split": "dev"}, "split": "val"}, "filter"),
]


@pytest.mark.parametrize(("body", "field"), REFUSED, ids=str)
def test_a_refused_change_says_why_at_its_field(api, version, body, field):
    answer = post(api, f"drafts/{begun(api, version)}/changes/", body)
    assert answer.status_code == 400 and field in str(answer.json())


def test_a_draft_is_its_makers_alone(api, version, bob, charlie, team):
    bob.memberships.update(role="member")
    draft = begun(api, version)
    for person in (bob, charlie):
        other = APIClient()
        other.force_authenticate(person)
        assert other.get(f"{ROOT}drafts/{draft}/").status_code == 404
        assert post(other, f"drafts/{draft}/undo/").status_code == 404
    assert post(other, "drafts/", {"dataset_version": version.pk}).status_code == 400  # another team's
    assert Draft.objects.count() == 1


def test_a_second_draft_of_a_dataset_is_refused(api, version, team, alice):
    drafts.add(alice, version, "remove", {"images": {"ids": [1]}})
    second = ready_version(team, alice)
    answer = post(api, "drafts/", {"dataset_version": second.pk})
    assert answer.status_code == 400 and "Pets v1" in str(answer.json())
