"""The changes between two versions: each image once, by its content."""

import random
from array import array

import pytest

from workers.datakit.diffing import Changes, changes, counts, write
from workers.datakit.index import ImageRow, Index, write_index

NAMES = ["cat", "dog", "owl"]


def image(content: str, class_id=0, split="train", boxes=None) -> ImageRow:
    row = ImageRow(f"{content}.png", f"{content:0>64}", "pack", 0, 1, ".png", 8, 8, split, class_id=class_id)
    if boxes is not None:
        row.class_id, row.boxes = None, array("d", [value for box in boxes for value in box])
    return row


def index(tmp_path, name, images, names=NAMES, task="classification") -> Index:
    write_index(tmp_path / name, names, task, images)
    return Index(tmp_path / name)


def diff(tmp_path, before, after, **more) -> set:
    """The changes as (kind, content)."""
    (tmp_path / "a").unlink(missing_ok=True)
    (tmp_path / "b").unlink(missing_ok=True)
    with index(tmp_path, "a", before, **more) as one, index(tmp_path, "b", after, **more) as two:
        found = list(changes(one, two))
        shown = [
            (kind, (one.image(old) if old else two.image(new)).sha256.lstrip("0")) for kind, old, new in found
        ]
        totals = counts(one, two)
    assert totals == {
        kind: sum(k == kind for k, _ in shown) for kind in ("added", "removed", "relabelled", "moved")
    }
    return set(shown)


def test_each_kind_of_change_is_told(tmp_path):
    before = [image("same"), image("gone"), image("label", 0), image("side", 1), image("both", 0)]
    after = [image("same"), image("new"), image("label", 2), image("side", 1, "val"), image("both", 1, "val")]
    assert diff(tmp_path, before, after) == {
        ("removed", "gone"), ("added", "new"), ("relabelled", "label"), ("moved", "side"),
        ("relabelled", "both"),
    }  # fmt: skip


@pytest.mark.parametrize("before, after, expected", [
    (2, 2, {}), (1, 3, {"added": 2}), (3, 1, {"removed": 2}), (0, 2, {"added": 2}), (2, 0, {"removed": 2}),
])  # fmt: skip
def test_copies_of_one_content_are_counted(tmp_path, before, after, expected):
    sides = [[image("copy") for _ in range(number)] + [image("other")] for number in (before, after)]
    with index(tmp_path, "a", sides[0]) as one, index(tmp_path, "b", sides[1]) as two:
        assert counts(one, two) == {"added": 0, "removed": 0, "relabelled": 0, "moved": 0, **expected}


def test_copies_are_matched_so_that_as_little_as_possible_changed(tmp_path):
    before = [image("x", 0, "train"), image("x", 1, "val"), image("x", 2, "train")]
    after = [image("x", 2, "val"), image("x", 0, "train"), image("x", 1, "val")]
    assert diff(tmp_path, before, after) == {("moved", "x")}


def test_labels_are_compared_by_name_and_not_by_number(tmp_path):
    with (
        index(tmp_path, "a", [image("x", 0)]) as one,
        index(tmp_path, "b", [image("x", 1)], ["ant", "cat"]) as two,
    ):
        assert sum(counts(one, two).values()) == 0


def test_boxes_are_an_images_label(tmp_path):
    box, moved = [0, 1, 1, 4, 4], [0, 1, 1, 4, 5]
    before = [image("same", boxes=[box, [1, 0, 0, 2, 2]]), image("box", boxes=[box]), image("side", boxes=[])]
    after = [
        image("same", boxes=[[1, 0, 0, 2, 2], box]),
        image("box", boxes=[moved]),
        image("side", boxes=[]),
    ]
    after[2].split = "val"
    found = diff(tmp_path, before, after, task="detection")
    assert found == {("relabelled", "box"), ("moved", "side")}


def any_image(chance: random.Random) -> ImageRow:
    return image(str(chance.randrange(12)), chance.randrange(3), chance.choice(["train", "val"]))


def test_it_agrees_with_a_plain_count_on_random_sets(tmp_path):
    chance = random.Random(5)
    for _ in range(20):
        sides = [
            [
                image(str(chance.randrange(12)), chance.randrange(3), chance.choice(["train", "val"]))
                for _ in range(40)
            ]
            for _ in range(2)
        ]
        found = diff(tmp_path, *sides)
        contents = [{row.sha256.lstrip("0") for row in side} for side in sides]
        assert contents[1] - contents[0] <= {content for kind, content in found if kind == "added"}
        with Index(tmp_path / "a") as one, Index(tmp_path / "b") as two:
            numbers = counts(one, two)
            used = [pair for pair in changes(one, two)]
        assert numbers["added"] == numbers["removed"]
        assert len({old for _, old, _ in used if old}) == sum(1 for _, old, _ in used if old)
        assert len({new for _, _, new in used if new}) == sum(1 for _, _, new in used if new)


def test_a_written_list_is_read_in_pages_and_by_kind(tmp_path):
    before = [image(f"{n}") for n in range(30)]
    after = [image(f"{n}", split="val" if n % 3 else "train") for n in range(5, 40)]
    with index(tmp_path, "a", before) as one, index(tmp_path, "b", after) as two:
        write(one, two, tmp_path / "changes")
        expected = list(changes(one, two))
        with Changes(tmp_path / "changes") as listed:
            assert listed.counts() == counts(one, two)
            seen, start = [], 0
            while page := listed.page(after=start, limit=7):
                seen += page
                start = page[-1][0]
            assert [row[1:] for row in seen] == expected
            removed = listed.page("removed", limit=100)
            assert {row[1] for row in removed} == {"removed"} and len(removed) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "changes"]
