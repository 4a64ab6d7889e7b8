"""From plan to the YAML of PaddleClas and PaddleX."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.contract import InputError
from workers.train.configuration import export_configuration, paddlex_configuration, warmup_epochs
from workers.train.paddleclas import fill_configuration, suite_configuration
from workers.train.plan import read_plan
from workers.train.yaml_files import CONFIGS, load_yaml

BASE = load_yaml(CONFIGS / "paddleclas" / "classification.yaml")
AUGMENTATIONS = load_yaml(CONFIGS / "paddleclas" / "augmentations.yaml")


def built(spec) -> dict:
    return suite_configuration(read_plan(spec), BASE, AUGMENTATIONS)


def operators(config: dict, part: str) -> list[str]:
    return [next(iter(operator)) for operator in config["DataLoader"][part]["dataset"]["transform_ops"]]


def test_it_fills_in_network_classes_and_sizes(spec):
    spec["params"]["input_size"] = [96, 64]
    config = built(spec)
    assert config["Arch"] == {"name": "PPLCNet_x0_25", "class_num": 2, "pretrained": False}
    assert config["Global"]["image_shape"] == [3, 64, 96]
    assert config["DataLoader"]["Eval"]["dataset"]["transform_ops"][1]["ResizeImage"]["size"] == [96, 64]


def test_it_only_stretches_and_normalises_validation_images(spec):
    assert operators(built(spec), "Eval") == ["DecodeImage", "ResizeImage", "NormalizeImage"]


def test_symbols_are_neither_mirrored_nor_smoothed(spec):
    config = built(spec)
    assert "RandFlipImage" not in operators(config, "Train")
    assert "epsilon" not in config["Loss"]["Train"][0]["CELoss"]


def test_natural_images_are_mirrored_and_smoothed(spec):
    spec["params"]["augmentation"] = "natural"
    config = built(spec)
    assert "RandFlipImage" in operators(config, "Train")
    assert config["Loss"]["Train"][0]["CELoss"]["epsilon"] == 0.1


@pytest.mark.parametrize("method", [None, {"name": "qat"}])
def test_the_statistics_are_settled_with_any_method(spec, method):
    spec["params"]["method"] = method
    config = fill_configuration(read_plan(spec), BASE, AUGMENTATIONS, Path("output"))
    assert config["PreciseBN"]["input_size"] == [64, 64]


def test_it_refuses_an_augmentation_it_does_not_know(spec):
    spec["params"]["augmentation"] = "wild"
    with pytest.raises(InputError, match="choose one of natural, symbols, handwriting"):
        built(spec)


def test_no_place_marker_is_left_over(spec):
    for augmentation in AUGMENTATIONS:
        spec["params"]["augmentation"] = augmentation
        assert "INPUT_SIZE" not in repr(built(spec))


def test_it_leaves_the_base_configuration_alone(spec):
    before = repr(BASE)
    built(spec)
    assert repr(BASE) == before


def test_it_asks_only_for_top_1_so_that_two_classes_work(spec):
    metric = built(spec)["Metric"]
    assert metric["Train"] == metric["Eval"] == [{"TopkAcc": {"topk": [1]}}]


@pytest.mark.parametrize(("epochs", "warmup"), [(1, 0), (4, 0), (5, 1), (12, 2), (100, 2)])
def test_the_warm_up_is_a_fifth_of_the_training_at_most(epochs, warmup):
    assert warmup_epochs(epochs, 2) == warmup


def test_from_scratch_gives_paddlex_no_weights(spec):
    config = paddlex_configuration(read_plan(spec), Path("/j/suite.yaml"), Path("/j/output"), None)
    assert config["Train"]["pretrain_weight_path"] == ""
    assert config["Train"]["resume_path"] is None
    assert config["Global"]["model"] == "PP-LCNet_x0_25"
    assert config["Train"]["basic_config_path"] == "/j/suite.yaml"


def test_a_checkpoint_is_gone_on_from_and_replaces_pretrained_weights(spec, tmp_path):
    weights = tmp_path / "weights.pdparams"
    weights.touch()
    spec["inputs"]["pretrained"] = str(weights)
    plan = read_plan(spec)
    fresh = paddlex_configuration(plan, Path("s"), Path("o"), None)["Train"]
    resumed = paddlex_configuration(plan, Path("s"), Path("o"), Path("/j/epoch_3.pdparams"))["Train"]
    assert fresh["pretrain_weight_path"] == str(weights)
    assert resumed["pretrain_weight_path"] == ""
    assert resumed["resume_path"] == "/j/epoch_3.pdparams"


def test_the_export_uses_the_same_base_configuration(spec):
    train = paddlex_configuration(read_plan(spec), Path("/j/suite.yaml"), Path("/j/output"), None)
    export = export_configuration(train, "/j/best.pdparams", Path("/j/inference"))
    assert export["Global"]["mode"] == "export"
    assert export["Global"]["output"] == "/j/inference"
    assert export["Export"] == {"weight_path": "/j/best.pdparams", "basic_config_path": "/j/suite.yaml"}
    assert train["Global"]["mode"] == "train"
