"""A detector on the virtual board, asked through SSH with the vendor's calls."""

import io

import pytest
from PIL import Image

from portal import tasks
from portal.deployment.release import build_release
from portal.deployment.steps import deploy
from portal.devices.answers import predict
from portal.devices.errors import WrongAnswer
from tests.devices.boards import PROFILE, make_tiny_model, needs_convert_environment

pytestmark = [pytest.mark.ssh, needs_convert_environment]
RED, BLUE, DARK_RED = (255, 0, 0), (0, 0, 255), (117, 0, 0)
SURE = {"label": 0, "score": 0.99, "box": [64, 32, 32, 32]}


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("detector"), "make_tiny_detector.py")


def picture(*squares, size=(128, 128)) -> bytes:
    """White, with squares of a quarter of its sides: (colour, column, row)."""
    image = Image.new("RGB", size, "white")
    width, height = size[0] // 4, size[1] // 4
    for colour, x, y in squares:
        image.paste(colour, (x * width, y * height, (x + 1) * width, (y + 1) * height))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def release(artifacts, *golden):
    return build_release(
        "squares",
        PROFILE,
        model=artifacts / "model.rknn",
        class_names=["red", "blue"],
        input_size=[64, 64],
        mean=[0] * 3,
        std=[1] * 3,
        task="detection",
        golden=[(picture((RED, 2, 1), (BLUE, 0, 3)), {"boxes": list(golden or [SURE])})],
        provenance={},
        build_onnx=artifacts / "build.onnx",
        calibration=artifacts / "calibration.zip",
    )


def given(connection, *pictures):
    files = [(f"{number}.png", content) for number, content in enumerate(pictures)]
    return predict(connection, PROFILE, files, classes=2).answers


def test_boxes_come_in_pixels_of_the_picture_the_surest_first(board, detector):
    with board.connect() as connection:
        deploy(connection, PROFILE, release(detector))
        first, second = given(
            connection, picture((DARK_RED, 2, 1), (BLUE, 0, 3)), picture((RED, 1, 0), size=(400, 200))
        )
    assert first["task"] == "detection" and "least_score" not in first
    shown = [box for box in first["boxes"] if box["score"] > 0.01]
    # In whole pixels, cut off: one less than it was is no mistake.
    assert [box["label"] for box in shown] == ["blue", "red"]
    assert shown[0]["box"] == pytest.approx([0, 96, 32, 32], abs=1)
    assert shown[1]["box"] == pytest.approx([64, 32, 32, 32], abs=1)
    assert shown[0]["score"] > 0.99 and shown[1]["score"] == pytest.approx(0.305, abs=0.01)
    assert second["boxes"][0]["box"] == pytest.approx([100, 0, 100, 50], abs=1)
    row = {"image": "0.png", "width": 128, "height": 128, "truth": []}
    assert tasks.get("detection").prediction(row, first)["boxes"][0]["label"] == 1


def test_a_library_that_takes_no_thresholds_tells_sure_boxes_only(board, detector):
    board.order(refuses_thresholds=True)
    with board.connect() as connection:
        deploy(connection, PROFILE, release(detector))
        (only,) = given(connection, picture((DARK_RED, 2, 1), (BLUE, 0, 3)))
    assert only["least_score"] == 0.5 and [box["label"] for box in only["boxes"]] == ["blue"]


def test_a_board_that_does_not_find_the_golden_boxes_keeps_its_earlier_release(board, detector):
    board.order(wrong_answer=True)
    with board.connect() as connection, pytest.raises(WrongAnswer, match="1 of 1 boxes"):
        deploy(connection, PROFILE, release(detector))
