import pytest

from .conftest import CHIPS, read_chip

NAMES = sorted(path.stem for path in CHIPS.glob("*.yaml"))
FIELDS = {
    "name": str,
    "title": str,
    "target_platform": str,
    "int8_only": bool,
    "npu_tops": (float, type(None)),
    "npu_clock_mhz": (int, type(None)),
    "ram_mb": (int, type(None)),
    "model_memory_mb": (int, type(None)),
    "max_input_side": int,
    "cpu_operators": (list, type(None)),
    "channel_order": str,
}


def test_every_target_of_the_toolkit_that_can_run_our_models_has_a_file():
    assert NAMES == [
        "rk3562", "rk3566", "rk3568", "rk3576", "rk3588",
        "rv1103", "rv1103b", "rv1106", "rv1106b", "rv1126b",
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_chip_has_all_the_fields_and_no_other(name):
    chip = read_chip(name)
    assert set(chip) == set(FIELDS)
    for field, kind in FIELDS.items():
        assert isinstance(chip[field], kind), field
    assert chip["name"] == name
    assert chip["channel_order"] in ("rgb", "bgr")
    assert chip["max_input_side"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_chip_whose_runtime_is_known_can_copy_its_tensors(name):
    operators = read_chip(name)["cpu_operators"]
    assert operators is None or {"InputOperator", "OutputOperator"} <= set(operators)


@pytest.mark.parametrize("name", NAMES)
def test_the_small_chips_are_the_ones_that_run_int8_only(name):
    assert read_chip(name)["int8_only"] is name.startswith(("rv1103", "rv1106"))
