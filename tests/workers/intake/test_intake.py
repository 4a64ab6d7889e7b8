"""What the inspection says of networks of every kind; the networks are made in the training environment."""

import json
import subprocess

import pytest
from django.conf import settings

from portal.core.messages import shown
from workers.contract.messages import Decoder

pytestmark = pytest.mark.toolchain


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    argv = [str(settings.TRAIN_PYTHON), "-m", "tests.workers.intake.inspect_all", str(folder)]
    done = subprocess.run(argv, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1], cls=Decoder)


def test_a_usual_classifier_is_understood_and_its_softmax_cut(found):
    plain = found["plain"]
    assert (plain["task"], plain["classes"], plain["input_size"]) == ("classification", 10, [32, 32])
    assert plain["refusal"] == "" and not plain["is_free"] and plain["opset"] == 13
    assert ["Softmax", 1, 0] in plain["diff"]["operators"]
    chip = plain["chips"][0]
    assert chip["fits"] and chip["cycles"] > 0 and chip["memory_bytes"] > 16 * 10
    assert found["zip"]["classes"] == 10


def test_a_free_shape_is_fixed_and_channels_last_are_turned(found):
    assert found["free"]["is_free"] and found["free"]["input_size"] == [224, 224]
    assert "1×3×224×224" in shown(found["free"]["fixes"][0])
    assert found["last"]["input_size"] == [32, 32]
    assert any("channels first" in shown(one) for one in found["last"]["fixes"])
    assert found["last"]["diff"]["inputs"][1][0]["shape"] == [1, 3, 32, 32]


def test_a_network_that_begins_with_other_operators_gets_a_first_convolution(found):
    assert any("first convolution" in shown(one) for one in found["scaled"]["fixes"])


def test_scores_are_found_before_what_follows_them(found):
    assert any("squeezed twice" in shown(one) for one in found["twice"]["fixes"])
    assert found["best"]["classes"] == 10 and found["best"]["diff"]["outputs"][1][0]["shape"] == [1, 10]


def test_of_several_outputs_with_scores_another_one_can_be_chosen(found):
    several = found["several outputs"]
    choices = [(one["output"], one["classes"]) for one in several["choices"]]
    assert choices == [("t1", 10), ("age", 7), ("corners", 4)] and several["classes"] == 10
    assert "left out: corners, age" in shown(several["fixes"][-1])
    assert found["age"]["cut_tensor"] == "years"
    assert "no output sex" in shown(found["no output"]["failed"])


def test_picodets_raw_outputs_are_found_before_the_decoding(found):
    assert (found["picodet"]["task"], found["picodet"]["classes"]) == ("detection", 2)
    shapes = [one["shape"][1] for one in found["picodet"]["diff"]["outputs"][1]]
    assert shapes == [2, 32] * 4


# The channels of the outputs at which each is cut, and whether its file decodes boxes, which must be ours.
DETECTORS = {
    "yolov8": ("yolov8", [3, 64] * 3, True),
    "yolov5": ("yolov5", [3, 4] * 9, True),
    "yolov5_raw": ("yolov5", [3, 4] * 9, False),
    "yolox": ("yolox", [3, 2, 2] * 3, False),
    "ssd": ("ssd", [3, 2, 2] * 6, True),
    "ssd of one": ("ssd", [1, 2, 2] * 6, True),
    "nanodet": ("nanodet", [3, 32] * 3, False),
}


@pytest.mark.parametrize("name", DETECTORS)
def test_a_published_detector_is_cut_at_its_last_convolutions(found, name):
    family, channels, decodes = DETECTORS[name]
    one = found[name]
    assert (one.get("task"), one.get("detector")) == ("detection", family), one
    assert one["classes"] == channels[0]
    assert [output["shape"][1] for output in one["diff"]["outputs"][1]] == channels
    assert ("same boxes in noise" in str([shown(fix) for fix in one["fixes"]])) is decodes


def test_usual_anchors_are_taken_where_the_file_has_none_and_that_is_said(found):
    assert any("YOLOv5's usual ones are taken" in shown(one) for one in found["yolov5_raw"]["fixes"])
    assert not any("usual ones" in shown(one) for one in found["yolov5"]["fixes"])


def test_an_operator_that_a_chip_lacks_is_named(found):
    chip = found["sqrt"]["chips"][0]
    assert not chip["fits"] and "Sqrt" in shown(chip["problems"][0])


REFUSED = {
    "gray": "channel count of 1",
    "rgba": "channel count of 4",
    "no dimensions": "has no dimensions",
    "several inputs": "must take one image",
    "yolo": "a detector of a kind that this server does not know",
    "other": "not those of a known kind of YOLO or SSD",
}
FAILED = {
    "opset": "opset 22; the RKNN toolkit reads 7 to 19",
    "custom": "not part of ONNX: acme::Magic",
    "external": "external data",
    "cut": "neither an ONNX file",
    "text": "neither an ONNX file",
    "rknn": "an .rknn file: it is compiled for one chip already",
    "empty": "The file is empty",
    "huge": "2.0 GB; at most 512",
    "other zip": "neither an ONNX file",
}


def test_every_bad_file_has_its_sentence(found):
    for name, words in REFUSED.items():
        assert words in shown(found[name].get("refusal", "")), (name, found[name])
    for name, words in FAILED.items():
        assert words in shown(found[name].get("failed", "")), (name, found[name])
        assert found[name]["kind"] == "input"


def test_a_network_for_bgr_takes_rgb_afterwards(found):
    assert found["turned"]["difference"] < 1e-5


def test_labels_must_fit_the_outputs(found):
    assert "10 classes and 1 label was given" in shown(found["labels"]["failed"])
