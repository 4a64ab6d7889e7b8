"""A detector through the real conversion: its eight outputs keep their order, its boxes their places."""

import json

import pytest
from PIL import Image

from tests.devices.boards import make_tiny_model

pytestmark = pytest.mark.toolchain
# The model takes BGR for RGB here: what it calls red is blue.
COLOURS, NAMES = [(0, 0, 255), (255, 0, 0)], ["blue", "red"]


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    """A staged dataset: white pictures of different sizes with a square of each colour, one without any."""
    folder = tmp_path_factory.mktemp("squares")
    (folder / "images").mkdir()
    (folder / "annotations").mkdir()
    for split, first in (("train", 0), ("val", 12)):
        images, annotations = [], []
        for number in range(first, first + 12):
            side = 16 + 4 * (number % 3)
            picture = Image.new("RGB", (4 * side, 4 * side), "white")
            for label, colour in enumerate(COLOURS):
                if number == first:
                    break
                x, y = side * ((number + 2 * label) % 4), side * ((number // 3 + label) % 4)
                picture.paste(colour, (x, y, x + side, y + side))
                annotations.append({"image_id": number, "category_id": label, "bbox": [x, y, side, side]})
            picture.save(folder / "images" / f"{number}.png")
            name = f"{number}.png"
            images.append({"id": number, "file_name": name, "width": 4 * side, "height": 4 * side})
        found = {"images": images, "annotations": annotations}
        (folder / "annotations" / f"instance_{split}.json").write_text(json.dumps(found))
    return folder


@pytest.mark.parametrize("channel_order", ["rgb", "bgr"])
def test_a_detector_finds_the_same_after_the_conversion(make_job, convert, squares, tmp_path, channel_order):
    model = make_tiny_model(tmp_path, "make_tiny_detector.py") / "build.onnx"
    job = make_job(model, channel_order=channel_order, task="detection", class_names=NAMES,
                   mean=[0, 0, 0], std=[1, 1, 1], input_size=[64, 64])  # fmt: skip
    spec = json.loads((job / "spec.json").read_text())
    spec["inputs"]["dataset"] = str(squares)
    (job / "spec.json").write_text(json.dumps(spec))
    process, result = convert(job)
    assert process.returncode == 0, result
    onnx, chip = (evaluation["metrics"] for evaluation in result["evaluations"])
    assert onnx["ap50"] == pytest.approx(1) and chip["ap50"] == pytest.approx(1)
    assert onnx["map"] > 0.95 and chip["map"] > 0.9
    assert (onnx["images"], onnx["boxes"]) == (12, 22)
    rows = json.loads((job / "artifacts" / "predictions.simulator.json").read_text())
    assert rows[0]["truth"] == [] and all(box["score"] < 0.1 for box in rows[0]["boxes"])
