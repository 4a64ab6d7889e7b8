"""The split that an upload gives, where it does not speak of every image."""

from __future__ import annotations

from array import array

import pytest
from upload_builders import finding, index, ingested, noticed, png, two_classes, zipped

from workers.datakit.archive import Entry
from workers.datakit.findings import Findings
from workers.datakit.readers import Sample
from workers.datakit.readers.splits import kept_split, pick_split
from workers.datakit.readers.voc import _listed_name


def samples(**counts: int) -> list[Sample]:
    """So many samples of each split; those of ``none`` have none."""
    return [
        Sample(Entry(f"{side}/{n}.jpg", 9, None), 0, None if side == "none" else side)
        for side, count in counts.items()
        for n in range(count)
    ]


def splits(artifacts) -> dict[str, str]:
    return {row["original"]: row["split"] for row in index(artifacts)}


def chosen_sides(**counts: int) -> tuple[list[str | None], bool, dict[str, int]]:
    findings = Findings()
    kept, given = pick_split(samples(**counts), findings, {}.get)
    return [sample.split for sample in kept], given, {f["code"]: f["count"] for f in findings.as_list()}


def test_an_image_without_a_split_is_left_out_and_the_split_is_kept():
    sides, given, found = chosen_sides(train=8, val=3, none=1)
    assert given and sides == ["train"] * 8 + ["val"] * 3 and found == {"no-split": 1}


def test_a_test_set_without_a_validation_set_is_kept_beside_an_image_without_a_split():
    sides, given, found = chosen_sides(train=4, test=2, none=1)
    assert given and sides == ["train"] * 4 + ["test"] * 2 and found == {"no-split": 1}


LISTS = {
    **{f"{name}{n}.png": png(10 * n + len(name)) for name in ("cat", "horse") for n in range(10)},
    "train.txt": "".join(f"{name}{n}.png {name}\n" for name in ("cat", "horse") for n in range(8)).encode(),
    "test.txt": "".join(f"{name}{n}.png {name}\n" for name in ("cat", "horse") for n in (8, 9)).encode(),
}
FOLDERS = {
    f"{split}/{name}/{n}.png": png(10 * n + len(name))
    for split, numbers in (("train", range(8)), ("test", (8, 9)))
    for name in ("cat", "horse")
    for n in numbers
}


@pytest.mark.parametrize("files", [LISTS, FOLDERS], ids=["lists", "folders"])
def test_a_validation_split_that_is_missing_is_drawn_from_the_training_images(tmp_path, files):
    result, _ = ingested(tmp_path, zipped(files), val_fraction=0.25, seed=7)
    assert result["split"] == "given"
    assert [(row["train"], row["val"], row["test"]) for row in result["counts"]] == [(6, 2, 2)] * 2
    found = finding(result, "val-drawn")
    assert found["count"] == 4 and found["message"].endswith("4 training images were drawn for it, seed 7.")


def test_a_test_split_is_drawn_beside_the_upload_s_own_split_where_a_share_is_given(tmp_path):
    files = {name.replace("test/", "val/"): content for name, content in FOLDERS.items()}
    result, artifacts = ingested(tmp_path, zipped(files), test_fraction=0.25, seed=3)
    assert [(row["train"], row["val"], row["test"]) for row in result["counts"]] == [(6, 2, 2)] * 2
    kept = {path for path, side in splits(artifacts).items() if side == "val"}
    assert kept == {path for path in files if path.startswith("val/")}
    assert finding(result, "test-drawn")["count"] == 4
    (tmp_path / "again").mkdir()
    assert splits(artifacts) == splits(
        ingested(tmp_path / "again", zipped(files), test_fraction=0.25, seed=3)[1]
    )


def test_a_test_split_of_the_upload_is_not_drawn_again(tmp_path):
    result, _ = ingested(tmp_path, zipped(FOLDERS), test_fraction=0.5)
    assert result["test"] == 4 and "test-drawn" not in noticed(result)


def test_a_test_set_beside_a_validation_set_is_kept_apart():
    sides, given, found = chosen_sides(train=4, val=2, test=3)
    assert given and sides == ["train"] * 4 + ["val"] * 2 + ["test"] * 3 and not found


def test_a_test_set_of_boxes_on_which_nobody_drew_any_is_left_out():
    marked = samples(train=4, val=2, test=3)
    for sample in marked:
        sample.boxes = array("d", [] if sample.split == "test" else [0, 1, 1, 2, 2])
    kept, given = pick_split(marked, findings := Findings(), {}.get)
    assert given and [sample.split for sample in kept] == ["train"] * 4 + ["val"] * 2
    assert findings.count("test-left-out") == 3


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [("train", "val", "val"), ("test", "val", "test"), (None, "train", "train"), ("test", None, "test")],
)
def test_an_image_of_two_splits_is_measured_with(one, other, kept):
    assert kept_split(one, other) == kept_split(other, one) == kept


def test_where_validation_alone_is_named_the_rest_is_for_training():
    sides, given, found = chosen_sides(val=2, none=6)
    assert given and sides == ["val"] * 2 + ["train"] * 6 and found == {"rest-as-train": 6}


@pytest.mark.parametrize(
    "counts", [{"none": 5}, {"train": 5}, {"val": 5}, {"val": 6, "none": 1}, {"train": 5, "none": 3}]
)
def test_without_anything_to_train_on_or_to_measure_with_the_split_is_drawn(counts):
    sides, given, found = chosen_sides(**counts)
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
