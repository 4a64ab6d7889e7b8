"""Which predicted images are kept for review, within which bounds."""

from __future__ import annotations

import dataclasses

import pytest
from django.core.files.storage import default_storage

from portal import tasks
from portal.devices import seen
from portal.review import offering, rules, storing
from portal.review.models import Item, Rule, State
from portal.tasks.figures import Thresholds
from portal.teams.models import Quota
from tests.review.belt import image
from tests.seed import NAMES

pytestmark = pytest.mark.django_db
ANY = Thresholds(0.25, 0.6)


def test_without_a_rule_nothing_is_kept(belt):
    assert not offering.Reviewer().wants(belt.device) and belt.offer(image()) == 0
    belt.rule()
    assert not offering.Reviewer().wants(belt.device)


def test_an_unsure_prediction_is_kept_with_device_release_and_dataset(belt):
    belt.rule(below=0.5)
    assert belt.offer(image(1, score=0.4), image(2, score=0.9)) == 1
    item = Item.objects.get()
    assert (item.device, item.release, item.dataset) == (
        belt.device, belt.deployment.release, belt.version.dataset
    )  # fmt: skip
    assert item.reasons == ["unsure"] and (item.width, item.height) == (32, 24)
    assert default_storage.size(item.file.name) == item.bytes == storing.stored_bytes(belt.team)


def test_a_device_rule_replaces_that_of_all_devices(belt, team, alice):
    rules.put(team, alice, None, below=1.0)
    assert rules.of(belt.device).below == 1.0
    belt.rule(every=2)
    assert belt.offer(image(1), image(2), image(3), image(4)) == 2
    assert Item.objects.values_list("name", flat=True).order_by("pk")[0] == "belt 2.png"


def test_a_changed_prediction_is_kept(belt):
    belt.rule(changed=True)
    assert offering.Reviewer().wants_before(belt.device)
    assert belt.offer(image(1, 0, 0.99, before=0), image(2, 0, 0.99, before=1), image(3, 0, 0.99)) == 1
    assert Item.objects.get().before["label"] == NAMES[1]


def test_an_image_is_kept_once_for_a_release(belt):
    belt.rule(below=0.5)
    assert [belt.offer(image(1)), belt.offer(image(1)), belt.offer(image(2))] == [1, 0, 1]


def test_the_oldest_image_goes_where_there_is_no_room_and_the_rule_says_so(belt):
    belt.rule(below=0.5, most_images=2)
    belt.offer(image(1), image(2), image(3))
    assert list(Item.objects.values_list("name", flat=True)) == ["belt 2.png", "belt 3.png"]
    assert Rule.objects.get().dropped == 1


def test_discarded_images_go_first_and_are_not_counted_as_dropped(belt):
    belt.rule(below=0.5, most_images=2)
    belt.offer(image(1), image(2))
    Item.objects.filter(name="belt 2.png").update(state=State.DISCARDED)
    belt.offer(image(3))
    assert list(Item.objects.values_list("name", flat=True)) == ["belt 1.png", "belt 3.png"]
    assert Rule.objects.get().dropped == 0


def test_live_images_are_kept_at_intervals(belt):
    belt.rule(below=0.5, live_seconds=60)
    assert belt.offer(image(1), image(2), source=seen.LIVE) == 1
    assert belt.offer(image(3), source=seen.LIVE) == 0


def test_live_images_that_are_compared_later_are_kept_only_if_they_changed(belt):
    belt.rule(below=0.5, changed=True, live_seconds=60)
    assert belt.offer(image(1), source=seen.LIVE) == 1
    same, other, another = image(2, before=0), image(3, before=1), image(4, before=2)
    later = [dataclasses.replace(one, is_comparison=True) for one in (same, other, another)]
    assert belt.offer(*later, source=seen.LIVE) == 2
    assert [item.reasons for item in Item.objects.order_by("pk")] == [["unsure"], ["changed"], ["changed"]]
    assert Rule.objects.get().seen == 1


def test_a_full_team_keeps_nothing_and_the_rule_says_why(belt, team):
    belt.rule(below=0.5)
    Quota.objects.create(team=team, by="server", storage_mb=0)
    assert belt.offer(image(1)) == 0 and "storage is full" in Rule.objects.get().problem


def test_a_release_that_nobody_knows_needs_a_dataset_in_the_rule(belt):
    belt.rule(below=0.5)
    belt.deployment.release = "by hand"
    assert belt.offer(image(1)) == 0 and "choose a dataset" in Rule.objects.get().problem
    belt.rule(below=0.5, dataset=belt.version.dataset)
    assert belt.offer(image(1)) == 1 and Rule.objects.get().problem == ""


def test_what_is_no_image_is_left_out(belt):
    belt.rule(below=0.5)
    broken = seen.Seen("x.png", image().prediction, lambda: b"not an image")
    assert belt.offer(broken) == 0 and "no image format" in Rule.objects.get().problem


def box(label: str, number: int, score: float, place=(10, 10, 20, 20)) -> dict:
    return {"label": label, "label_id": number, "score": score, "box": list(place)}


@pytest.mark.parametrize("boxes, unsure, margin", [
    ([], None, None),
    ([box("cat", 0, 0.9), box("dog", 1, 0.3, (60, 60, 9, 9))], 0.3, None),
    ([box("cat", 0, 0.9), box("dog", 1, 0.8)], 0.8, 0.1),
])  # fmt: skip
def test_a_detectors_doubt_is_its_least_sure_box_or_two_classes_at_one_place(boxes, unsure, margin):
    task = tasks.get("detection")
    assert task.least_sure({"boxes": boxes}, ANY) == unsure
    found = task.margin({"boxes": boxes}, ANY)
    assert found == (None if margin is None else pytest.approx(margin))


def test_boxes_differ_by_class_number_and_place_but_not_by_a_pixel():
    task, one = tasks.get("detection"), {"boxes": [box("cat", 0, 0.9)]}
    for other, differs in [
        ([box("cat", 0, 0.5, (11, 10, 20, 20))], False), ([box("dog", 0, 0.9)], True), ([], True),
        ([box("cat", 0, 0.9, (80, 80, 20, 20))], True),
    ]:  # fmt: skip
        assert task.differ(one, {"boxes": other}, ANY) == differs


def test_a_library_that_reports_the_best_class_only_leaves_the_rest_to_another():
    task = tasks.get("classification")
    assert task.margin({"label": "a", "score": 0.6}, ANY) == pytest.approx(0.2)
    top = [{"label": "a", "score": 0.5}, {"label": "b", "score": 0.45}]
    assert task.margin({"label": "a", "score": 0.5, "top": top}, ANY) == pytest.approx(0.05)
