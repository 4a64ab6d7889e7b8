"""Boxes in the staged folder: written as PaddleX reads them, read again by the worker programs."""

from __future__ import annotations

import json
from array import array

import pytest

from tests.datasets.index_builders import PackBuilder, boxed
from workers.contract import InputError
from workers.datakit.assemble import assemble
from workers.datakit.coco_json import read_staged
from workers.datakit.findings import Findings
from workers.datakit.index import Index
from workers.datakit.staging import stage


def test_boxes_are_staged_as_paddlex_reads_them(tmp_path):
    pack = PackBuilder("one.pack")
    boxed(pack)
    pack.add("white", (40, 30), split="val", boxes=array("d"))
    assemble(pack.rows, ["cat", "dog"], "detection", tmp_path / "index.sqlite", Findings())
    contents = {row.id: pack.content[row.start : row.start + row.size] for row in pack.rows}
    with Index(tmp_path / "index.sqlite") as index:
        folder = stage(index, lambda rows: ((row, contents[row.id]) for row in rows), tmp_path / "staged")
    plain = json.loads((folder / "annotations/instance_val.json").read_text())
    assert [category["name"] for category in plain["categories"]] == ["cat", "dog"]
    assert plain["annotations"][0] == {
        "id": 1, "image_id": 4, "category_id": 0, "bbox": [4, 20, 20, 16], "area": 320, "iscrowd": 0,
        "segmentation": [],
    }  # fmt: skip
    train, val = (read_staged(folder, split, 2) for split in ("train", "val"))
    assert (len(train), len(val)) == (4, 3)
    assert val[0]["truth"][1] == {"label": 1, "box": [30, 8, 24.5, 30]}
    empty = next(row for row in val if not row["truth"])
    assert (empty["width"], empty["height"]) == (40, 30), "an image without boxes stays"
    assert all((folder / row["image"]).is_file() for row in train + val)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "has no boxes that can be read"),
        ("[]", "has no boxes that can be read"),
        ('{"images": [], "annotations": []}', "split is empty"),
        ('{"images": [], "annotations": [{"category_id": 2}]}', "category 2 of 2"),
        ('{"images": [], "annotations": [{"category_id": 1, "bbox": [1, 2, 3, 4], "image_id": 7}]}', "7"),
    ],
)
def test_a_staged_split_without_boxes_is_refused_with_a_sentence(tmp_path, text, sentence):
    (tmp_path / "annotations").mkdir()
    if text is not None:
        (tmp_path / "annotations/instance_val.json").write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_staged(tmp_path, "val", 2)
