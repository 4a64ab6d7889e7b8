"""Images whose boxes a teacher draws, as part of a detector's dataset."""

from __future__ import annotations

import json

import pytest

from workers.contract import InputError
from workers.datakit import coco_json
from workers.train.methods.pseudo_labels import join

from .boxed import NAMES, SIDE, stage_boxes

RIGHT = [4, 8, 16, 24]  # where the staged images have their first box
SIZE = (SIDE, SIDE)


@pytest.fixture
def dataset(tmp_path):
    return stage_boxes(tmp_path / "dataset", [[0], [1]], [[1], [0]])


@pytest.fixture
def further(tmp_path):
    return stage_boxes(tmp_path / "further", [[0], [0], [0]], [])


def labelling(sure: dict[str, float]):
    """A teacher that is right on all images of validation, and of this score on others."""

    def predict(path):
        truth = {"000003.png": 1, "000004.png": 0}
        labelled = "dataset" in path.parts
        score = 0.9 if labelled else sure.get(path.name, 0.0)
        boxes = [{"label": truth[path.name] if labelled else 1, "score": score, "box": RIGHT}]
        return SIZE, [*boxes, {"label": 0, "score": 0.1, "box": [40, 40, 8, 8]}]

    return predict


def test_images_with_sure_boxes_join_the_training_and_nothing_else_changes(dataset, further, tmp_path):
    mixed = tmp_path / "mixed"
    before = coco_json.read_staged(dataset, "train", len(NAMES))
    assert join(dataset, further, mixed, labelling({"000001.png": 0.8, "000003.png": 0.95}), len(NAMES)) == 2
    rows = coco_json.read_staged(mixed, "train", len(NAMES))
    assert rows[:2] == before
    assert [row["image"] for row in rows[2:]] == ["images/more-000001.png", "images/more-000003.png"]
    assert all(row["truth"] == [{"label": 1, "box": RIGHT}] for row in rows[2:])
    assert all((mixed / row["image"]).is_file() for row in rows)
    content = json.loads((mixed / coco_json.STAGED.format("train")).read_text())
    for key in ("images", "annotations"):
        assert len({one["id"] for one in content[key]}) == len(content[key]) == 4
    assert coco_json.read_staged(mixed, "val", 2) == coco_json.read_staged(dataset, "val", 2)
    assert coco_json.read_staged(dataset, "train", len(NAMES)) == before


@pytest.mark.parametrize(
    ("predict", "words"),
    [
        (lambda path: (SIZE, []), "finds nothing on the validation images"),
        (labelling({}), "finds nothing on the images without labels"),
    ],
)
def test_a_teacher_that_finds_nothing_is_refused(dataset, further, tmp_path, predict, words):
    with pytest.raises(InputError, match=words):
        join(dataset, further, tmp_path / "mixed", predict, len(NAMES))
