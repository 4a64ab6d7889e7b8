"""Adding an upload's images to the newest version."""

from __future__ import annotations

from pathlib import Path

import pytest
from annotation_builders import BOXES, boxes_of, coco_set, yolo_set
from upload_builders import finding, images_of, index, ingested, png, refused, two_classes, zipped


@pytest.fixture
def base(tmp_path) -> Path:
    """The index of a version with five cats and five dogs."""
    (tmp_path / "base").mkdir()
    return ingested(tmp_path / "base", zipped(two_classes()), pack_key="base")[1] / "index.sqlite"


def adding(base: Path) -> dict:
    return {"inputs": {"base": str(base), "known": [str(base)]}, "mode": "add", "pack_key": "more"}


def test_what_was_there_stays_and_classes_are_joined_by_name(tmp_path, base):
    files = {"dog/new.png": png(500), "cow/1.png": png(501), "cow/2.png": png(502)}
    result, artifacts = ingested(tmp_path, zipped(files), **adding(base))
    assert result["class_names"] == ["cat", "dog", "cow"] and result["images"] == 13
    now = {row["sha256"]: row for row in index(artifacts)}
    for row in index(base.parent):
        kept = now[row["sha256"]]
        fields = ("original", "class_id", "split")
        assert {key: kept[key] for key in fields} == {key: row[key] for key in fields}
    assert {row["split"] for row in now.values() if row["original"].startswith("cow")} == {"train", "val"}
    assert result["diff"] == {"added": 3, "removed": 0, "relabelled": 0, "moved": 0}
    assert [pack["images"] for pack in result["packs"]] == [3]


def test_one_image_of_one_class_may_be_added(tmp_path, base):
    result, artifacts = ingested(tmp_path, zipped({"cat/new.png": png(500)}), **adding(base))
    assert result["counts"][0]["total"] == 6
    assert next(row["split"] for row in index(artifacts) if row["original"] == "cat/new.png") == "train"


def test_an_image_that_is_there_with_the_same_label_is_not_added_again(tmp_path, base):
    files = {**two_classes(2), "cat/dog.png": png(1000), "cat/new.png": png(500)}
    result, artifacts = ingested(tmp_path, zipped(files), **adding(base))
    assert result["images"] == 12 and finding(result, "already-there")["count"] == 4
    assert finding(result, "copy-in-two-classes")["count"] == 2
    assert {image.pack for image in images_of(artifacts)} == {"base-0.pack", "more-0.pack"}


def test_boxes_are_added_with_their_classes(tmp_path):
    (tmp_path / "base").mkdir()
    _, first = ingested(tmp_path / "base", zipped(coco_set()), class_names=["Hund", "cat"])
    result, artifacts = ingested(tmp_path, zipped(yolo_set()), **adding(first / "index.sqlite"))
    assert result["class_names"][:2] == ["Hund", "cat"] and result["task"] == "detection"
    assert boxes_of(result, artifacts).keys() == BOXES.keys()


@pytest.mark.parametrize("files, expected", [
    (two_classes(), "nothing to add"), (coco_set(), "is a detection set"),
    ({"cow/1.png": png(1)}, "'cow' has 1"),
])  # fmt: skip
def test_what_cannot_be_added_is_refused(tmp_path, base, files, expected):
    message = refused(tmp_path, zipped(files), **adding(base))
    assert expected in message and message.endswith(".")


@pytest.mark.parametrize("params, expected", [
    ({"mode": "add"}, "no version yet"), ({"mode": "merge"}, "no mode called 'merge'"),
])  # fmt: skip
def test_a_mode_that_cannot_be_meant_is_refused(tmp_path, params, expected):
    assert expected in refused(tmp_path, zipped(two_classes()), **params)
