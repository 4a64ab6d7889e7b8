"""What a list of changes makes of a version's images, before any of it is written."""

from array import array

import pytest

from tests.datasets.test_index import an_image
from workers.datakit.changes import ANEW, Plan, as_images, matches, wanted_images
from workers.datakit.index import Filter, Index, write_index

NAMES = ["cat", "dog", "Dog"]


def plan(*changes, names=NAMES):
    return Plan(list(names), changes)


def ids(*numbers):
    return {"ids": list(numbers)}


def an_image_with_boxes(**fields):
    row = an_image(
        1, class_id=None, boxes=array("d", [0, 1, 1, 4, 4, 1, 2, 2, 3, 3, 0, 0, 0, 2, 2]), **fields
    )
    row.id = 1
    return row


def a_row(number=1, **fields):
    row = an_image(number, **fields)
    row.id = number
    return row


def test_nothing_changes_without_changes():
    now = plan().now(a_row())
    assert not now.is_changed and (now.class_id, now.split) == (1, "train")


def test_the_last_of_several_changes_stands():
    found = plan(
        ("relabel", {"images": ids(1, 2), "class_id": 2}), ("relabel", {"images": ids(1), "class_id": 0})
    )
    assert found.now(a_row(1)).class_id == 0
    assert found.now(a_row(2)).class_id == 2
    assert not found.now(a_row(3)).is_changed


def test_an_image_relabelled_into_a_class_goes_with_it_when_that_is_merged():
    found = plan(("relabel", {"images": ids(1), "class_id": 2}), ("merge", {"class_id": 2, "into": 0}))
    assert found.now(a_row(1)).class_id == 0
    assert found.class_names() == ["cat", "dog"] and found.new_ids() == {0: 0, 1: 1}


def test_an_image_relabelled_after_a_merge_is_not_drawn_along():
    found = plan(("merge", {"class_id": 1, "into": 0}), ("relabel", {"images": ids(1), "class_id": 2}))
    assert found.now(a_row(1)).class_id == 2
    assert found.new_ids() == {0: 0, 2: 1}


def test_a_removal_can_be_taken_back_later():
    removed = ("remove", {"images": ids(1)})
    assert plan(removed).now(a_row(1)).removed
    assert not plan(removed, ("keep", {"images": ids(1)})).now(a_row(1)).is_changed


def test_a_dropped_class_goes_with_its_images_and_not_with_those_relabelled_before():
    found = plan(("relabel", {"images": ids(1), "class_id": 0}), ("drop", {"class_id": 1}))
    assert not found.now(a_row(1)).removed
    assert found.now(a_row(3)).removed
    assert found.class_names() == ["cat", "Dog"]


def test_an_image_of_a_dropped_class_is_not_brought_back_without_a_class():
    found = plan(
        ("drop", {"class_id": 1}),
        ("keep", {"images": ids(1)}),
        ("relabel", {"images": ids(3), "class_id": 0}),
    )
    assert found.now(a_row(1)).removed
    assert not found.now(a_row(3)).removed and found.now(a_row(3)).class_id == 0


def test_a_rename_keeps_the_place_of_the_class():
    assert plan(("rename", {"class_id": 0, "name": "猫"})).class_names() == ["猫", "dog", "Dog"]


def test_a_filter_selects_by_what_the_base_says():
    by_class = {"filter": {"class_id": 1}}
    found = plan(
        ("relabel", {"images": by_class, "class_id": 0}), ("split", {"images": by_class, "split": "val"})
    )
    now = found.now(a_row(1))
    assert (now.class_id, now.split) == (0, "val")
    assert not found.now(a_row(2)).is_changed


def test_images_moved_after_a_new_drawing_of_the_split_stay_where_they_were_put():
    found = plan(
        ("split", {"images": ids(1), "split": "val"}),
        ("resplit", {"how": "stratified", "seed": 1}),
        ("split", {"images": ids(2), "split": "val"}),
    )
    assert [found.now(a_row(n)).split for n in (1, 2, 3)] == [ANEW, "val", ANEW]
    assert found.resplit == {"how": "stratified", "seed": 1}


def test_boxes_are_relabelled_removed_and_merged_one_by_one():
    row = an_image_with_boxes()
    now = plan(
        ("relabel-box", {"image": 1, "box": 0, "class_id": 2}), ("remove-box", {"image": 1, "box": 1})
    ).now(row)
    assert [(box.class_id, box.removed) for box in now.boxes] == [(2, False), (1, True), (0, False)]
    assert now.boxes_changed and now.is_changed and not now.is_relabelled
    merged = plan(("merge", {"class_id": 0, "into": 1})).now(row)
    assert {box.class_id for box in merged.boxes} == {1}
    some = plan(("relabel", {"images": ids(1), "from": 0, "class_id": 2})).now(row)
    assert [box.class_id for box in some.boxes] == [2, 1, 2]
    assert not plan(("remove-box", {"image": 1, "box": 9})).now(row).is_changed


FILTERS = [
    Filter(), Filter(class_id=1), Filter(split="val"), Filter(mark="blurred"), Filter(text="A/CAT"),
    Filter(text="É"), Filter(class_id=0, split="train"), Filter(ids=(2, 5)), Filter(text="%"),
    Filter(text="车"),
]  # fmt: skip


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
@pytest.mark.parametrize("task", ["classification", "detection"])
def test_a_filter_means_the_same_here_and_in_the_index(tmp_path, wanted, task):
    names = ["a/Cat.png", "é/cat.png", "车/50%.png", "b/x.png", "É.png", "A/CAT2.png"]
    images = [an_image(number, original=name) for number, name in enumerate(names)]
    images[1].split = images[4].split = "val"
    images[2].marks = {"blurred": ""}
    for image in images if task == "detection" else []:
        image.boxes, image.class_id = array("d", [image.class_id, 0, 0, 2, 2]), None
    write_index(tmp_path / "index.sqlite", ["cat", "dog"], task, images)
    with Index(tmp_path / "index.sqlite") as index:
        shown = {row.id for row in index.page(wanted)}
        assert {row.id for row in index.all() if matches(row, wanted)} == shown
    if wanted.ids is None:
        assert wanted_images(as_images(wanted)) == wanted
