"""What the conversion makes of a detection set and of the raw outputs of a detector."""

from __future__ import annotations

import json

import numpy as np
import pytest

from workers.contract import ToolchainError
from workers.convert.tasks import TASKS
from workers.convert.tasks.base import Sample

DETECTION = TASKS["detection"]
SHAPES = [[1, channels, side, side] for side in (8, 4, 2, 1) for channels in (2, 32)]


def sample(image, *labels):
    truth = [{"label": label, "box": [0, 0, 5, 5]} for label in labels]
    return Sample(image, {"image": image, "width": 128, "height": 64, "truth": truth})


def test_a_model_with_outputs_of_these_classes_is_accepted():
    DETECTION.check_outputs(SHAPES, ["a", "b"])
    DETECTION.check_outputs([[1, channels, 8, 8] for channels in (2, 2, 2) * 3], ["a", "b"])
    DETECTION.check_outputs([[1, channels, 8, 8] for channels in (80, 64) * 3], ["a"] * 80)


@pytest.mark.parametrize("shapes", [[], SHAPES[:5], SHAPES[::-1], [[1, 2]], [*SHAPES, [1, 2, 1, 1]]])
def test_a_model_with_other_outputs_is_no_detector_of_these_classes(shapes):
    with pytest.raises(ToolchainError, match="the scores of 2 classes"):
        DETECTION.check_outputs(shapes, ["a", "b"])


def test_classes_and_background_take_turns_in_calibration():
    samples = [sample(f"cat{n}", 0) for n in range(20)] + [sample("dog", 1), sample("both", 0, 1)]
    samples += [sample(f"empty{n}") for n in range(20)]
    chosen = DETECTION.choose_calibration(samples, 9, 0)
    assert len(set(chosen)) == 9 and {"dog", "both"} <= set(chosen)
    assert sum(name.startswith("empty") for name in chosen) >= 3


def test_boxes_are_decoded_in_pixels_of_the_image():
    outputs = [np.zeros(shape, np.float32) for shape in SHAPES]
    outputs[0][0, 1, 2, 3] = 0.5
    outputs[1][0, ::8, 2, 3] = 50  # no distance to any side
    outputs[1][0, 2, 2, 3] = 100  # two cells to the left
    outputs[1][0, 8 + 1, 2, 3] = 100  # one to the top
    told = DETECTION.decode(sample("a"), outputs, (64, 64))
    assert told["boxes"] == [{"label": 1, "score": 0.5, "box": [24, 12, 32, 8]}]
    assert json.loads(json.dumps(DETECTION.summarise([told], ["a", "b"])))["map"] is None


def test_the_truth_of_an_image_are_its_boxes(tmp_path):
    (tmp_path / "annotations").mkdir()
    found = {
        "images": [{"id": 1, "file_name": "1.png", "width": 9, "height": 8}],
        "annotations": [{"image_id": 1, "category_id": 0, "bbox": [1, 2, 3, 4]}],
    }
    (tmp_path / "annotations/instance_train.json").write_text(json.dumps(found))
    (one,) = DETECTION.read_split(tmp_path, "train", 1)
    assert (one.image, one.truth["truth"]) == ("images/1.png", [{"label": 0, "box": [1, 2, 3, 4]}])
