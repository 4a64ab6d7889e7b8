import hashlib
import json

import pytest

from portal.core import configs
from portal.deployment.release import (
    ReleaseError,
    build_release,
    check_rknn,
)
from tests.devices.boards import PROFILE, picture

MODEL = b"RKNN\0\0\0\0" + b'{"target_platform":["rv1106"],"version":"2.5.0"}'


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.rknn"
    path.write_bytes(MODEL)
    return path


def build(model, profile=PROFILE, release_id="run1-job2", **changes):
    parts = {
        "model": model,
        "class_names": ["猫", "a dog"],
        "input_size": [64, 64],
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "task": "classification",
        "golden": [(picture("red"), {"label_id": 1}), (picture("blue"), {"label_id": 0})],
        "provenance": {"run": "1"},
        "build_onnx": model,
        "calibration": model,
    }
    return build_release(release_id, profile, **(parts | changes))


def test_the_manifest_has_the_hash_of_every_other_file(model):
    release = build(model)
    assert set(release.manifest["files"]) == set(release.files) - {"manifest.json"}
    assert release.manifest["files"]["model.rknn"] == {
        "sha256": hashlib.sha256(MODEL).hexdigest(),
        "bytes": len(MODEL),
    }
    assert json.loads(release.manifest_bytes) == release.manifest
    assert "score_threshold" not in release.manifest
    assert build(model, score_threshold=0.37).manifest["score_threshold"] == 0.37
    assert hashlib.sha256(release.manifest_bytes).hexdigest() == release.manifest_sha256


def test_golden_pictures_and_labels_stand_in_the_manifest(model):
    release = build(model)
    assert release.manifest["golden"] == [
        {"image": "golden/0.png", "label_id": 1},
        {"image": "golden/1.png", "label_id": 0},
    ]
    assert release.files["labels.txt"].decode() == "猫\na dog\n"


def test_only_a_virtual_board_gets_the_simulator(model):
    real = configs.boards()["lockzhiner-vision-module"]
    assert "sim/build.onnx" in build(model).files
    assert not [name for name in build(model, real).files if name.startswith("sim/")]
    with pytest.raises(ReleaseError, match="run the conversion again"):
        build(model, build_onnx=None)


def test_the_same_input_gives_the_same_release(model):
    assert build(model).files == build(model).files


@pytest.mark.parametrize("name", ["", "../up", "a b", ".hidden", "run1.part", "x" * 81])
def test_a_name_that_is_no_folder_name_is_refused(model, name):
    with pytest.raises(ReleaseError, match="cannot name a release"):
        build(model, release_id=name)


def test_a_release_without_golden_pictures_is_refused(model):
    with pytest.raises(ReleaseError, match="needs a golden image"):
        build(model, golden=[])


def test_a_model_for_another_chip_is_refused(model):
    with pytest.raises(
        ReleaseError, match="made for Rockchip RV1106 and the board has a Rockchip RK3588: convert"
    ):
        check_rknn(model, "rk3588")


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "model.rknn").write_bytes(b"<html>")
    with pytest.raises(ReleaseError, match="is not an RKNN model"):
        check_rknn(tmp_path / "model.rknn", "rv1106")
