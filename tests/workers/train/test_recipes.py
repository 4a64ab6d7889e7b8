"""Every recipe, preset and augmentation in configs/ fits together and can be planned."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.train.paddleclas import suite_configuration
from workers.train.plan import read_plan
from workers.train.yaml_files import CONFIGS, load_yaml

from .conftest import make_spec

ROOT = Path(__file__).resolve().parents[3]
RECIPES = {path.stem: load_yaml(path) for path in sorted((ROOT / "configs" / "models").glob("*.yaml"))}
PRESETS = load_yaml(ROOT / "configs" / "presets.yaml")
SUITES = {"classification": "paddleclas", "detection": "paddledet"}
AUGMENTATIONS = {task: load_yaml(CONFIGS / suite / "augmentations.yaml") for task, suite in SUITES.items()}
CHIPS = {path.stem for path in (ROOT / "configs" / "chips").glob("*.yaml")}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_its_files_name_and_knows_its_own_size_and_chips(name):
    recipe = RECIPES[name]
    assert recipe["name"] == name
    assert recipe["input_size"] in recipe["input_sizes"]
    assert recipe["augmentation"] in AUGMENTATIONS[recipe["task"]]
    assert set(recipe["chips"]) <= CHIPS
    assert recipe["pretrained"]["url"].endswith("/" + recipe["pretrained"]["file"])
    assert recipe["license"]


@pytest.mark.parametrize("name", RECIPES)
def test_the_sizes_of_a_recipe_survive_its_five_halvings(name):
    assert all(side % 32 == 0 for size in RECIPES[name]["input_sizes"] for side in size)


@pytest.mark.parametrize("name", [n for n in RECIPES if RECIPES[n]["task"] == "classification"])
def test_a_recipe_with_its_own_defaults_makes_a_configuration(name, dataset):
    recipe = RECIPES[name]
    chosen = {key: recipe["defaults"][key] for key in ("epochs", "batch_size", "learning_rate")}
    spec = make_spec(dataset, ["off", "on"], recipe=recipe, **chosen)
    base = load_yaml(CONFIGS / "paddleclas" / "classification.yaml")
    config = suite_configuration(read_plan(spec), base, AUGMENTATIONS["classification"])
    assert config["Arch"]["name"] == recipe["architecture"]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_names_a_recipe_that_names_it(name):
    preset = PRESETS[name]
    recipe = RECIPES[preset["recipe"]]
    assert name in recipe["presets"]
    assert preset["input_size"] in recipe["input_sizes"]
    assert preset["augmentation"] in AUGMENTATIONS[recipe["task"]]
