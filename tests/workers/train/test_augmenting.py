"""Augmentations that PaddleClas lacks."""

from __future__ import annotations

import random
from types import SimpleNamespace

import numpy
import pytest

from workers.train.augmenting import RandAffineImage, add_operators
from workers.train.paddleclas import suite_configuration
from workers.train.plan import read_plan
from workers.train.yaml_files import CONFIGS, load_yaml

BASE = load_yaml(CONFIGS / "paddleclas" / "classification.yaml")
AUGMENTATIONS = load_yaml(CONFIGS / "paddleclas" / "augmentations.yaml")


@pytest.fixture(autouse=True)
def _same_chances():
    random.seed(5)


def test_nothing_at_all_leaves_the_pixels_where_they_are():
    matrix = RandAffineImage(0, 0, 0, 0).matrix(64, 48)
    assert numpy.allclose(matrix, [[1, 0, 0], [0, 1, 0]])


def test_the_centre_moves_by_the_largest_shift_at_most():
    operator, centre = RandAffineImage(degrees=10, shear=0.1, stretch=0.1, shift=0.06), [31.5, 23.5]
    moves = [abs(operator.matrix(64, 48) @ [*centre, 1] - centre) for _ in range(200)]
    assert 0.055 < numpy.max(moves, axis=0)[0] / 64 < 0.06
    assert 0.055 < numpy.max(moves, axis=0)[1] / 48 < 0.06


def test_no_image_is_mirrored_and_each_is_another_one():
    operator = RandAffineImage(degrees=10, shear=0.1, stretch=0.1, shift=0.06)
    linear = [operator.matrix(64, 64)[:, :2] for _ in range(200)]
    assert min(numpy.linalg.det(one) for one in linear) > 0.75
    assert len({one.tobytes() for one in linear}) == 200


def test_the_suite_finds_it_by_name_among_its_own():
    preprocess = SimpleNamespace()
    add_operators(preprocess)
    assert preprocess.RandAffineImage is RandAffineImage


def operators(plan) -> list[str]:
    config = suite_configuration(plan, BASE, AUGMENTATIONS)
    return [next(iter(one)) for one in config["DataLoader"]["Train"]["dataset"]["transform_ops"]]


def test_handwriting_is_turned_and_not_mirrored(spec):
    spec["params"]["augmentation"] = "handwriting"
    plan = read_plan(spec)
    assert "RandAffineImage" in operators(plan) and "RandFlipImage" not in operators(plan)
    assert plan.notices == []


def test_a_checkout_of_the_suite_does_without_it_and_says_so(spec, tmp_path):
    spec["params"] |= {"augmentation": "handwriting", "checkouts": {"PaddleClas": str(tmp_path)}}
    plan = read_plan(spec)
    assert operators(plan) == ["DecodeImage", "ResizeImage", "RandCropImage", "NormalizeImage"]
    assert "PADDLECLAS_DIR names a checkout of PaddleClas" in plan.notices[0]
