"""The split that an upload gives, where it does not speak of every image."""

from __future__ import annotations

from array import array

import pytest
from upload_builders import finding, ingested, png, two_classes, zipped

from workers.datakit.archive import Entry
from workers.datakit.findings import Findings
from workers.datakit.readers import Sample
from workers.datakit.readers.splits import kept_split, settled
from workers.datakit.readers.voc import _listed_name


def samples(**counts: int) -> list[Sample]:
    """So many samples of each split; those of ``none`` have none."""
    return [
        Sample(Entry(f"{side}/{n}.jpg", 9, None), 0, None if side == "none" else side)
        for side, count in counts.items()
        for n in range(count)
    ]


def settled_sides(**counts: int) -> tuple[list[str | None], bool, dict[str, int]]:
    findings = Findings()
    kept, given = settled(samples(**counts), findings, {}.get)
    return [sample.split for sample in kept], given, {f["code"]: f["count"] for f in findings.as_list()}


def test_an_image_without_a_split_is_left_out_and_the_split_is_kept():
    sides, given, found = settled_sides(train=8, val=3, none=1)
    assert given and sides == ["train"] * 8 + ["val"] * 3 and found == {"no-split": 1}


def test_a_test_set_stands_in_for_validation_beside_an_image_without_a_split():
    sides, given, found = settled_sides(train=4, test=2, none=1)
    assert given and sides == ["train"] * 4 + ["val"] * 2 and found == {"test-as-val": 2, "no-split": 1}


def test_a_test_set_beside_a_validation_set_is_kept_apart():
    sides, given, found = settled_sides(train=4, val=2, test=3)
    assert given and sides == ["train"] * 4 + ["val"] * 2 + ["test"] * 3 and not found


def test_a_test_set_of_boxes_on_which_nobody_drew_any_is_left_out():
    marked = samples(train=4, val=2, test=3)
    for sample in marked:
        sample.boxes = array("d", [] if sample.split == "test" else [0, 1, 1, 2, 2])
    kept, given = settled(marked, findings := Findings(), {}.get)
    assert given and [sample.split for sample in kept] == ["train"] * 4 + ["val"] * 2
    assert findings.count("test-left-out") == 3


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [("train", "val", "val"), ("test", "val", "test"), (None, "train", "train"), ("test", None, "test")],
)
def test_an_image_of_two_splits_is_measured_with(one, other, kept):
    assert kept_split(one, other) == kept_split(other, one) == kept


def test_where_validation_alone_is_named_the_rest_is_for_training():
    sides, given, found = settled_sides(val=2, none=6)
    assert given and sides == ["val"] * 2 + ["train"] * 6 and found == {"rest-as-train": 6}


@pytest.mark.parametrize(
    "counts", [{"none": 5}, {"train": 5}, {"val": 5}, {"val": 6, "none": 1}, {"train": 5, "none": 3}]
)
def test_without_anything_to_train_on_or_to_measure_with_the_split_is_drawn(counts):
    sides, given, found = settled_sides(**counts)
    assert not given and set(sides) == {None} and len(sides) == sum(counts.values()) and not found


def test_the_images_without_a_split_are_named(tmp_path):
    rows = [f"cat/{n}.png,cat,{'val' if n == 4 else 'train'}" for n in range(5)]
    rows += [f"dog/{n}.png,dog,{'val' if n == 4 else 'train'}" for n in range(5)]
    table = "\n".join(["path,label,split", *rows, "late.png,dog,"])
    files = {**two_classes(), "late.png": png(77), "labels.csv": table.encode()}
    result, _ = ingested(tmp_path, zipped(files))
    assert result["split"] == "given" and (result["train"], result["val"]) == (8, 2)
    found = finding(result, "no-split")
    assert found["level"] == "warn" and found["examples"][0]["text"] == "late.png"


@pytest.mark.parametrize(
    ("line", "name"),
    [("2008_000001", "2008_000001"), ("000012 -1", "000012"), ("a.b.c", "a.b.c"), ("image (1)", "image (1)"),
     ("JPEGImages/7.jpg Annotations/7.xml", "7"), (".\\JPEGImages\\8.JPG", "8")],
)  # fmt: skip
def test_a_line_of_imagesets_names_an_image(line, name):
    assert _listed_name(line) == name
