"""Files in ``configs/`` are checked when they are read; each fault is told with its file and key."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, is_dataclass
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from portal.core import configs
from portal.core.serializers import PresetSerializer, RecipeSerializer

ROOT = Path(__file__).resolve().parents[2]
CHIP, BOARD = "chips/rv1106.yaml", "boards/virtual.yaml"
RECIPE, PRESETS = "models/pp_lcnet_x0_25.yaml", "presets.yaml"
DETECTOR = "models/picodet_s.yaml"
AUGMENTATIONS, BOXES = "paddleclas/augmentations.yaml", "paddledet/augmentations.yaml"

# What is written for what in a shipped file, and the sentence without the file's name.
BROKEN = [
    (CHIP, "max_input_side: 640", "max_input_side: big",
     "max_input_side must be a whole number above 0, not 'big'."),
    (CHIP, "max_input_side: 640", "max_input_side: 0",
     "max_input_side must be a whole number above 0, not 0."),
    (CHIP, "max_input_side: 640", "max_input_side: true",
     "max_input_side must be a whole number above 0, not true."),
    (CHIP, "max_input_side: 640", "max_input_side: 64.5",
     "max_input_side must be a whole number above 0, not 64.5."),
    (CHIP, "max_input_side: 640", "max_input_side:",
     "max_input_side must be a whole number above 0, not null."),
    (CHIP, "max_input_side: 640\n", "", "max_input_side is missing: add it."),
    (CHIP, "max_input_side:", "max_imput_side:",
     "max_imput_side is not a known key: did you mean max_input_side?"),
    (CHIP, "name: rv1106", "name: rv1106\nzzz: 1", "zzz is not a known key: remove it."),
    (CHIP, "name: rv1106", "name: rv1106\n5: 1", "5 is not a known key: remove it."),
    (CHIP, "name: rv1106", "name: rv1107", "name must be 'rv1106', as the file is called, not 'rv1107'."),
    (CHIP, "title: Rockchip RV1106", "title: ''", "title must be text that is not empty, not ''."),
    (CHIP, "int8_only: true", "int8_only: 1", "int8_only must be true or false, not 1."),
    (CHIP, "npu_tops: 1.0", "npu_tops: .nan", "npu_tops must be a number above 0 or null, not nan."),
    (CHIP, "npu_tops: 1.0", "npu_tops: -1", "npu_tops must be a number above 0 or null, not -1."),
    (CHIP, "channel_order: bgr", "channel_order: bga", "channel_order must be rgb or bgr, not 'bga'."),
    (CHIP, "channel_order: bgr", "channel_order: [bgr]", "channel_order must be rgb or bgr, not ['bgr']."),
    (CHIP, "  - Softmax", "  - 7", "cpu_operators[2] must be text that is not empty, not 7."),
    (CHIP, "name: rv1106", "name: rv1106\nname: rv1106",
     "line 2 is not valid YAML: the key name is there twice."),
    (CHIP, "name: rv1106", "name: [rv1106", "is not valid YAML"),
    (CHIP, "npu_clock_mhz: null", "npu_clock_mhz: 2020-13-45",
     "the file is not valid YAML: month must be in 1..12"),
    (BOARD, "chip: rv1106", "chip: rv9999", "chip must be one of rk3562, rk3566,"),
    (BOARD, "driver: lockzhiner", "driver: other", "driver must be lockzhiner or rknnlite, not 'other'."),
    (BOARD, "port: 2222", "port: 70000", "port must be a whole number from 1 to 65535, not 70000."),
    (BOARD, "port: 2222", "port: '2222'", "port must be a whole number from 1 to 65535, not '2222'."),
    (BOARD, "root: slipway", "root: /", "root must be a folder such as slipway or /root/slipway, not '/'."),
    (BOARD, "root: slipway", "root: a/../..", "root must be a folder such as slipway or /root/slipway, not"),
    (BOARD, "keep_releases: 3", "keep_releases: 0", "keep_releases must be a whole number above 0, not 0."),
    (BOARD, "virtual: true\n", "", "virtual is missing: add it."),
    (RECIPE, "  epochs: 30", "  epochs: many", "defaults.epochs must be a whole number above 0, not 'many'."),
    (RECIPE, "  epochs: 30", "  epoch: 30", "defaults.epoch is not a known key: did you mean epochs?"),
    (RECIPE, "0.1    # for batches", "1e-3  #",
     "defaults.learning_rate must be a number above 0, not '1e-3'."),
    (RECIPE, "input_size: [224, 224]", "input_size: [224]", "input_size must be a list of 2, not [224]."),
    (RECIPE, "input_size: [224, 224]", "input_size: [50, 50]",
     "input_size must be one of the input_sizes of"),
    (RECIPE, "[[64, 64],", "[[64, x],", "input_sizes[0][1] must be a whole number above 0, not 'x'."),
    (RECIPE, "augmentation: symbols", "augmentation: wild",
     "augmentation must be one of natural, symbols, handwriting, not 'wild'."),
    (RECIPE, "presets: [fast]", "presets: [quick]",
     "presets[0] must be one of fast, balanced, accurate, detection-fast,"),
    (RECIPE, "presets: [fast]", "presets: [fast, accurate]", "presets[1] names accurate, a preset of"),
    (RECIPE, "  rv1106: {", "  rv9999: {", "the name chips.rv9999 must be one of rk3562,"),
    (RECIPE, "cycles: 570000", "cycle: 570000",
     "chips.rv1106.cycle is not a known key: did you mean cycles?"),
    (DETECTOR, "  - {chip: rk3562, input_size: [320, 320]", "  - {chip: rk3562, input_size: [321, 321]",
     "costs[0].input_size must be one of the input_sizes of picodet_s"),
    (DETECTOR, "  - {chip: rk3562", "  - {chip: rv1", "costs[0].chip must be one of rk3562,"),
    (RECIPE, "sha256: null", "sha256: abc",
     "pretrained.sha256 must be a SHA-256 of 64 hexadecimal digits or null,"),
    (RECIPE, "  file: PPLCNet", "  file: ../PPLCNet",
     "pretrained.file must be a file's name without a folder, not"),
    (RECIPE, "defaults:\n", "defaults: none\nother:\n",
     "defaults must be a block of keys with values, not 'none'."),
    (PRESETS, "  recipe: pp_lcnet_x0_25", "  recipe: gone", "fast.recipe must be one of ghostnet_x0_5,"),
    (PRESETS, "  input_size: [64, 64]", "  input_size: [65, 65]",
     "fast.input_size must be one of the input_sizes of"),
    (PRESETS, "augmentation: symbols", "augmentation: wild",
     "fast.augmentation must be one of natural, symbols, handwriting, not"),
    (PRESETS, "  pretrained: false", "  pretrained: maybe",
     "fast.pretrained must be true or false or null, not"),
    (PRESETS, "balanced:", "slow:",
     "slow.recipe names pp_lcnet_x1_0, whose presets do not list slow: add it there."),
    (PRESETS, "balanced:", "'a b':", "the name a b must be a name of at most 30 letters,"),
    (AUGMENTATIONS, "  label_smoothing: true", "  label_smoothing: 2",
     "natural.label_smoothing must be true or false,"),
    (AUGMENTATIONS, "  label_smoothing: true", "  smoothing: true",
     "natural.smoothing is not a known key: did you mean label_smoothing?"),
    (AUGMENTATIONS, "  task: classification", "", "natural.task is missing: add it."),
    (BOXES, "signs:", "symbols:", "symbols is in another file: rename it."),
    (RECIPE, "augmentation: symbols", "augmentation: signs",
     "augmentation must be one of natural, symbols, handwriting, not 'signs'."),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path, settings):
    """A copy of the shipped files, which the portal reads instead of them."""
    copy = tmp_path / "configs"
    shutil.copytree(ROOT / "configs", copy, ignore=shutil.ignore_patterns("containers"))
    settings.CONFIGS_DIR = copy
    return copy


def sentences(folder: Path) -> list[str]:
    with pytest.raises(configs.ConfigError) as caught:
        configs.read_folder(folder)
    return caught.value.sentences


def test_what_replaces_an_augmentation_is_one_of_the_same_task(folder):
    path = folder / AUGMENTATIONS
    path.write_text(path.read_text("utf-8").replace("tiny: handwriting", "tiny: signs"), "utf-8")
    told = "natural.tiny must be one of natural, symbols, handwriting, not 'signs'."
    assert sentences(folder) == [f"configs/*/augmentations.yaml: {told}"]


def test_every_shipped_file_is_read():
    for books, place in (
        (configs.recipes(), "models"), (configs.chips(), "chips"), (configs.boards(), "boards"),
    ):  # fmt: skip
        assert list(books) == sorted(path.stem for path in (ROOT / "configs" / place).glob("*.yaml"))
        assert all(is_dataclass(book) and book.name == name for name, book in books.items())
    names = ["fast", "balanced", "accurate"]
    assert list(configs.presets()) == [*names, *(f"detection-{name}" for name in names)]
    assert list(configs.augmentations()) == ["natural", "symbols", "handwriting", "scenes", "signs"]


@pytest.mark.parametrize(("file", "old", "new", "sentence"), BROKEN)
def test_a_wrong_file_is_refused_with_its_name_and_key(folder, file, old, new, sentence):
    path = folder / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    said = [one for one in sentences(folder) if sentence in one]
    assert said and said[0].startswith(f"configs/{file}: ")
    assert re.search(r"[.?]$", said[0]) and "\n" not in said[0]


@pytest.mark.parametrize(("content", "sentence"), [
    (b"", "the file is empty."),
    (b"- a\n", "must be a block of keys with values, not ['a']."),
    (b"title: \xff\n", "the file is not UTF-8 text: save it as UTF-8."),
    (b"a: \x00\n", "the file is not valid YAML"),
    (b"[" * 5000, "the file is not valid YAML"),
    (b"a: &a [*b]\n", "line 1 is not valid YAML"),
    (b"? [1]\n: 2\n", "line 1 is not valid YAML"),
    (b"a: !!python/object/apply:os.getcwd []\n", "line 1 is not valid YAML"),
])  # fmt: skip
@pytest.mark.parametrize("file", [CHIP, BOARD, RECIPE, PRESETS, AUGMENTATIONS])
def test_what_is_no_file_of_keys_is_refused(folder, file, content, sentence):
    (folder / file).write_bytes(content)
    assert [one for one in sentences(folder) if one.startswith(f"configs/{file}: {sentence}")]


def test_a_file_that_is_wrong_does_not_make_others_wrong(folder):
    for file in (CHIP, PRESETS, AUGMENTATIONS):
        (folder / file).write_text("broken", "utf-8")
    said = sentences(folder)
    assert sorted(one.split(":")[0] for one in said) == sorted(
        f"configs/{file}" for file in (CHIP, PRESETS, AUGMENTATIONS)
    )


@pytest.mark.parametrize("file", [PRESETS, AUGMENTATIONS])
def test_a_missing_file_is_told(folder, file):
    (folder / file).unlink()
    assert sentences(folder) == [f"configs/{file}: the file cannot be read: No such file or directory."]


def test_an_empty_folder_is_told(folder):
    shutil.rmtree(folder / "boards")
    assert sentences(folder) == ["configs/boards: there is no .yaml file in this folder."]


def test_a_file_with_another_ending_is_not_passed_over(folder):
    (folder / "chips/new.yml").write_text("name: new", "utf-8")
    assert sentences(folder) == ["configs/chips/new.yml: the file's name must end in .yaml: rename it."]


def test_every_fault_is_told_at_once(folder):
    (folder / CHIP).write_text("name: rv1106\ntitle: A\nport: 3\n", "utf-8")
    (folder / "boards/new.yaml").write_text("name: old\n", "utf-8")
    said = sentences(folder)
    assert "configs/chips/rv1106.yaml: port is not a known key: remove it." in said
    assert "configs/chips/rv1106.yaml: max_input_side is missing: add it." in said
    assert "configs/boards/new.yaml: chip is missing: add it." in said


def test_a_long_value_is_shortened(folder):
    (folder / CHIP).write_text(f"name: {'x' * 5000}\n", "utf-8")
    assert max(map(len, sentences(folder))) < 400


def test_they_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        configs.chips()["rv1106"].max_input_side = 1
    with pytest.raises(TypeError):
        configs.chips()["rv1106"] = None


def test_an_optional_key_that_is_left_out_stays_left_out():
    shown = configs.as_dict(configs.presets())
    assert "batch_size" not in shown["balanced"] and shown["fast"]["batch_size"] == 16
    assert configs.as_dict(configs.recipes()["pp_lcnet_x0_5"])["chips"] == {"rv1106": {}}
    assert configs.as_dict(configs.boards()["virtual"])["default_password"] is None


def test_the_schema_of_the_api_has_the_fields_of_the_files():
    for serializer, kind in ((RecipeSerializer, configs.Recipe), (PresetSerializer, configs.Preset)):
        assert set(serializer().fields) == {field.name for field in fields(kind)}


def test_the_system_check_says_every_sentence(folder):
    call_command("check")
    (folder / CHIP).write_text("name: rv1106\n", "utf-8")
    with pytest.raises(SystemCheckError) as caught:
        call_command("check")
    assert "(core.E001) configs/chips/rv1106.yaml: max_input_side is missing: add it." in str(caught.value)


def test_a_recipe_for_an_unknown_task_is_refused(folder):
    path = folder / RECIPE
    path.write_text(path.read_text("utf-8").replace("task: classification", "task: guessing"), "utf-8")
    with pytest.raises(SystemCheckError) as caught:
        call_command("check")
    sentence = "configs/models/pp_lcnet_x0_25.yaml: task must be classification or detection, not 'guessing'."
    assert sentence in str(caught.value)


@pytest.mark.parametrize("argv", [
    ["-m", "django", "check"],
    ["-m", "django", "serve"],
    ["-m", "portal.ops.web"],
    ["-m", "celery", "-A", "portal", "worker"],
])  # fmt: skip
def test_no_process_starts_with_a_wrong_file(folder, tmp_path, argv):
    (folder / CHIP).write_text("name: rv1106\n", "utf-8")
    assert "configs/chips/rv1106.yaml: max_input_side is missing: add it." in _refused(folder, tmp_path, argv)


def test_no_worker_starts_with_a_recipe_for_an_unknown_task(folder, tmp_path):
    path = folder / RECIPE
    path.write_text(path.read_text("utf-8").replace("task: classification", "task: guessing"), "utf-8")
    told = _refused(folder, tmp_path, ["-m", "celery", "-A", "portal", "worker"])
    assert (
        "configs/models/pp_lcnet_x0_25.yaml: task must be classification or detection, not 'guessing'."
        in told
    )


def _refused(folder, tmp_path, argv) -> str:
    """What a process says that does not start with these configs."""
    module = tmp_path / "broken_settings.py"
    module.write_text(f"from tests.settings import *\nCONFIGS_DIR = {str(folder)!r}\n", "utf-8")
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "broken_settings", "PYTHONPATH": f"{tmp_path}:{ROOT}",
    }  # fmt: skip
    with socket.create_server(("127.0.0.1", 0)) as listening:  # as the web server wants it
        done = subprocess.run(
            [sys.executable, *argv], cwd=ROOT, env=env, stdin=listening,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr
    return done.stderr
