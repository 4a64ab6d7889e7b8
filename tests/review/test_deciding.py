"""What a person decides about images from devices, by page and by call, and the version that comes of it."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.core.templatetags.slipway import share
from portal.datasets import services
from portal.datasets.models import Dataset, DatasetVersion
from portal.jobs.models import Status
from portal.review import deciding, storing, versions
from portal.review.deciding import ReviewRefused
from portal.review.models import Item, State
from portal.teams.models import AuditEntry
from tests.factories import class_zip, run_queued_jobs
from tests.review.belt import image
from tests.seed import NAMES

pytestmark = pytest.mark.django_db


def test_one_key_confirms_or_corrects_and_goes_on_with_the_next(alices, belt):
    first, second = belt.item(1), belt.item(2)
    page = alices.get(reverse("review-item", args=[first.pk])).content.decode()
    assert 'data-key="Enter"' in page and 'value="5" data-key="5"' in page
    assert f'value="{NAMES[3]}" data-key="3"' in page
    answer = alices.post(reverse("review-decide", args=[first.pk, "accept"]), {"class": NAMES[4]})
    assert answer.url == reverse("review-item", args=[second.pk])
    answer = alices.post(reverse("review-decide", args=[second.pk, "accept"]))
    assert answer.url == reverse("review-list")
    first.refresh_from_db(), second.refresh_from_db()
    assert (first.label, first.corrected) == (NAMES[4], True)
    assert (second.label, second.corrected, second.decided_by) == (NAMES[0], False, belt.user)
    assert AuditEntry.objects.filter(verb="review.accept").count() == 2
    assert "2 accepted images are ready" in alices.get(reverse("review-list")).content.decode()


def test_a_discarded_image_can_be_brought_back_and_is_swept_after_a_day(alices, belt):
    item = belt.item()
    alices.post(reverse("review-decide", args=[item.pk, "discard"]))
    assert Item.objects.get().state == State.DISCARDED
    alices.post(reverse("review-decide", args=[item.pk, "undo"]))
    assert Item.objects.get().is_waiting
    deciding.discard(Item.objects.get(), belt.user)
    storing.sweep()
    assert Item.objects.exists()
    Item.objects.update(decided_at=belt.deployment.activated_at - 2 * storing.UNDO_FOR)
    storing.sweep()
    assert not Item.objects.exists() and storing.stored_bytes(belt.team) == 0


def test_what_cannot_be_is_refused_with_a_sentence(alices, belt):
    item = belt.item()
    for label in ("cow", 7, [["cat", 1, 1, 2, 2]]):
        with pytest.raises(ReviewRefused, match="Choose one of the dataset's classes"):
            deciding.accept(item, belt.user, label)
    deciding.accept(item, belt.user)
    with pytest.raises(ReviewRefused, match="reviewed in the meantime"):
        deciding.discard(item, belt.user)
    Dataset.objects.update(deleted_at=belt.deployment.activated_at)
    with pytest.raises(ReviewRefused, match="no version of its task"):
        deciding.accept(Item.objects.get(), belt.user)


@pytest.mark.parametrize("boxes, refused", [
    ([["a", 1, 2, 3, 4]], ""), ([["a", -5, -5, 20.123456, 20]], ""), ([], ""),
    ([["b", 1, 2, 3, 4]], "name of a class"), ([["a", 1, 2, 3]], "name of a class"),
    ([["a", True, 2, 3, 4]], "name of a class"), ([["a", 99, 2, 3, 4]], "at least a pixel"), ("x", "at most"),
])  # fmt: skip
def test_boxes_are_checked_against_the_image(boxes, refused):
    item = Item(task="detection", width=40, height=30)
    if refused:
        with pytest.raises(ReviewRefused, match=refused):
            deciding.checked(item, boxes, ["a"])
        return
    clean = deciding.checked(item, boxes, ["a"])
    assert len(clean) == len(boxes)
    assert clean != [["a", -5, -5, 20.12, 20]]


def test_bob_looks_and_charlie_finds_nothing(client, belt, bob, charlie):
    item, api = belt.item(), APIClient()
    client.force_login(bob)
    assert client.get(reverse("review-item", args=[item.pk])).status_code == 200
    assert client.post(reverse("review-decide", args=[item.pk, "accept"])).status_code == 403
    client.force_login(charlie)
    for name in ("review-item", "review-image"):
        assert client.get(reverse(name, args=[item.pk])).status_code == 404
    api.force_login(charlie)
    assert api.get(f"/api/v1/review-items/{item.pk}/").status_code == 404


def test_the_api_decides_and_sets_rules(alice, belt):
    api = APIClient()
    api.force_login(alice)
    rule = api.post("/api/v1/review-rules/", {"device": belt.device.pk, "below": 0.7}, format="json")
    assert rule.status_code == 200 and rule.json()["below"] == 0.7
    item = belt.item()
    [row] = api.get("/api/v1/review-items/?state=waiting").json()["results"]
    assert row["reasons"] == ["unsure"] and row["prediction"]["label"] == NAMES[0]
    url = f"/api/v1/review-items/{item.pk}/"
    assert api.post(url + "accept/", {"label": "cow"}, format="json").status_code == 400
    assert api.post(url + "accept/", {"label": NAMES[3]}, format="json").json()["corrected"] is True
    assert api.post(url + "undo/").json()["state"] == "waiting"
    assert api.post(url + "discard/").json()["state"] == "discarded"
    made = api.post("/api/v1/review-items/version/", {"dataset": belt.version.dataset_id}, format="json")
    assert made.status_code == 400 and "review some first" in made.json()["detail"]
    assert api.get(url + "image/")["Content-Type"] == "image/png"
    assert api.delete(f"/api/v1/review-rules/{rule.json()['id']}/").status_code == 204


@pytest.mark.django_db(transaction=True)
def test_accepted_images_become_the_next_version_with_where_they_came_from(alices, belt):
    services.create_version(belt.team, belt.user, "Pets", class_zip())
    run_queued_jobs()
    pets = Dataset.objects.get(name="Pets")
    belt.rule(below=0.5, dataset=pets)
    for shade, label in ((1, "cat"), (2, "dog"), (3, "dog")):
        deciding.accept(belt.item(shade), belt.user, label)
    draft = reverse("review-draft", args=[pets.pk])
    assert alices.get(draft).content.decode().count('class="shot"') == 3
    answer = alices.post(reverse("review-version", args=[pets.pk]))
    with pytest.raises(ReviewRefused, match="review some first"):  # a second person is too late
        versions.make(pets, belt.user)
    assert "No accepted images" in alices.get(draft).content.decode()
    run_queued_jobs()
    version = DatasetVersion.objects.filter(dataset=pets).latest("number")
    assert answer.url == reverse("dataset-version", args=[version.pk])
    assert version.job.status == Status.SUCCEEDED, version.job.message
    assert (version.number, version.images, version.diff["added"]) == (2, 13, 3)
    rows = alices.get(f"/api/v1/dataset-versions/{version.pk}/images/?mark=from-board").json()["images"]
    assert [row["source"]["device"] for row in rows] == [belt.device.name] * 3
    assert {row["source"]["release"] for row in rows} == {belt.deployment.release}
    page = alices.get(reverse("dataset-image-page", args=[version.pk, rows[0]["id"]])).content.decode()
    assert belt.device.name in page and belt.deployment.release in page
    assert not Item.objects.collected().exists()
    storing.sweep()
    assert Item.objects.filter(version=version, file="").count() == 3
    with pytest.raises(ReviewRefused, match="in a version already|reviewed in the meantime"):
        deciding.undo(Item.objects.first(), belt.user)


def test_a_class_that_the_newest_version_lacks_is_named_before_a_version_is_made(alices, belt):
    deciding.accept(belt.item(), belt.user)
    DatasetVersion.objects.update(class_names=NAMES[1:])
    with pytest.raises(ReviewRefused, match=f"accepted as “?{NAMES[0]}"):
        versions.make(belt.version.dataset, belt.user)


def test_boxes_are_written_as_coco(belt):
    item = Item(
        pk=5, task="detection", width=40, height=30, label=[["b", 1.0, 2.0, 3.0, 4.0]], file="review/1/a.png"
    )
    belt.version.class_names = ["a", "b"]
    found = json.loads(versions._coco([item], belt.version.class_names))
    assert (
        found["annotations"][0] | {"category_id": 2, "bbox": [1.0, 2.0, 3.0, 4.0]} == found["annotations"][0]
    )
    assert found["images"] == [{"id": 5, "file_name": "device-000005.png", "width": 40, "height": 30}]


def test_drawn_boxes_wait_until_they_are_accepted(alices, belt, monkeypatch):
    item = belt.item()
    Item.objects.update(task="detection", prediction={"boxes": []})
    DatasetVersion.objects.update(task="detection")
    sent = json.dumps({"boxes": [[1, 2, 3, 10, 10]], "expected": []})
    answer = alices.post(reverse("review-boxes", args=[item.pk]), sent, content_type="application/json")
    assert answer.json() == {"boxes": [[1, 2.0, 3.0, 10.0, 10.0]]}
    item.refresh_from_db()
    assert item.is_waiting and item.label == [[NAMES[1], 2.0, 3.0, 10.0, 10.0]]
    page = alices.get(reverse("review-item", args=[item.pk])).content.decode()
    assert "data-annotate" in page
    assert deciding.accept(item, belt.user).corrected
    for body in ("[", "[]", '{"boxes": [[99, 1, 1, 2, 2]]}', '{"boxes": [["x"]]}'):
        answer = alices.post(reverse("review-boxes", args=[item.pk]), body, content_type="application/json")
        assert answer.status_code == 422


def test_rules_are_set_in_percent_and_removed(alices, belt):
    body = {"device": belt.device.pk, "below": "60", "live_seconds": 5, "most_images": 10, "most_mib": 10}
    assert alices.post(reverse("review-rules"), body).status_code == 302
    rule = belt.device.review_rule
    assert rule.below == 0.6 and rule.most_images == 10
    page = alices.get(reverse("review-rules") + f"?rule={rule.pk}").content.decode()
    assert 'value="60.0"' in page and "score below 60%" in page.replace(" %", "%")
    assert share(0.999) == "99.9 %"
    assert alices.post(reverse("review-rules"), body | {"below": "160"}).status_code == 422
    assert "Change the rule" in alices.get(reverse("device-detail", args=[belt.device.pk])).content.decode()
    alices.post(reverse("review-rule-remove", args=[rule.pk]))
    assert image() and not type(rule).objects.exists()
