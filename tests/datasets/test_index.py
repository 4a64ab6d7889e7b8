"""The index of a version: what is written is read back, page by page and filtered."""

from array import array

import pytest

from workers.datakit.index import Filter, ImageRow, Index, write_index


def an_image(number: int, **fields) -> ImageRow:
    defaults = {
        "original": f"车/{number}.png", "sha256": f"{number:064x}", "pack": "p1", "start": number * 100,
        "size": 100, "suffix": ".png", "width": 8, "height": 6, "split": "train", "class_id": number % 2,
    }  # fmt: skip
    return ImageRow(**{**defaults, **fields})


@pytest.fixture
def index(tmp_path):
    images = [an_image(number) for number in range(10)]
    images[3].split = "val"
    images[3].marks = {"blurred": "sharpness 2", "dark": ""}
    images[4].marks = {"blurred": ""}
    images[5].dhash = -(2**63)
    write_index(tmp_path / "index.sqlite", ["cat", "车"], "classification", images)
    with Index(tmp_path / "index.sqlite") as index:
        yield index


def test_it_gives_back_what_was_written(index):
    assert index.class_names == ["cat", "车"]
    fourth = index.image(4)
    assert (fourth.original, fourth.name, fourth.split) == ("车/3.png", "000004.png", "val")
    assert fourth.marks == {"blurred": "sharpness 2", "dark": ""}
    assert index.image(6).dhash == -(2**63)
    assert index.image(11) is None


def test_all_gives_every_image_with_its_marks_in_order(index):
    images = list(index.all())
    assert [image.id for image in images] == list(range(1, 11))
    assert [image.id for image in images if image.marks] == [4, 5]


def test_a_filter_joins_class_split_finding_and_path(index):
    assert index.count(Filter(class_id=1)) == 5
    assert [image.id for image in index.page(Filter(mark="blurred"))] == [4, 5]
    assert [image.id for image in index.page(Filter(mark="blurred", split="val", class_id=1))] == [4]
    assert index.count(Filter(text="/7.PNG")) == 1
    assert index.count(Filter(text="%")) == 0
    assert [image.id for image in index.page(Filter(ids=(2, 9)))] == [2, 9]


def test_pages_go_on_after_the_last_id(index):
    first = index.page(Filter(class_id=0), limit=3)
    second = index.page(Filter(class_id=0), after=first[-1].id, limit=3)
    assert [image.id for image in first + second] == [1, 3, 5, 7, 9]
    assert index.neighbours(5, Filter(class_id=0)) == (3, 7)
    assert index.neighbours(1) == (None, 2)


def test_boxes_belong_to_their_image_and_answer_for_its_classes(tmp_path):
    flat = array("d", [1, 2.5, 3, 4, 5, 0, 1, 1, 2, 2])
    images = [
        an_image(0, class_id=None, boxes=array("d")),
        an_image(1, class_id=None, boxes=flat),
        an_image(2, class_id=None, boxes=array("d", [0, 1, 1, 3, 3])),
    ]
    write_index(tmp_path / "index.sqlite", ["a", "b"], "detection", images)
    with Index(tmp_path / "index.sqlite") as index:
        assert index.image(2).boxes == flat
        assert index.image(1).boxes == array("d")
        assert [image.id for image in index.page(Filter(class_id=0))] == [2, 3]
        assert [list(image.boxes) for image in index.all()] == [[], list(flat), [0, 1, 1, 3, 3]]
        assert index.packs() == ["p1"]
