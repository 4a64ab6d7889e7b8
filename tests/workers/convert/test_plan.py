import copy

import pytest

from workers.contract import InputError
from workers.convert.plan import check_memory, read_plan

from .conftest import read_chip

SPEC = {
    "inputs": {"onnx": "/m.onnx", "dataset": "/d"},
    "params": {
        "chip": read_chip("rv1106"),
        "channel_order": "bgr",
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "input_size": [64, 48],
        "class_names": ["a", "b"],
    },
}


def spec(**params):
    changed = copy.deepcopy(SPEC)
    changed["params"].update(params)
    return changed


def test_what_is_left_out_has_a_default():
    plan = read_plan(spec())
    assert (plan.calibration_count, plan.calibration_seed, plan.algorithm) == (100, 0, "normal")
    assert plan.quantized and plan.input_size == (64, 48)


def test_a_float_build_is_for_chips_that_can():
    assert not read_plan(spec(chip=read_chip("rk3588"), quantization={"dtype": "fp16"})).quantized


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"quantization": {"dtype": "fp16"}}, "Rockchip RV1106 runs int8 models only"),
        ({"input_size": [4096, 64]}, "4096×64 pixels is too large for Rockchip RV1106, which takes at most"),
        ({"input_size": [64]}, "specification is incomplete"),
        ({"channel_order": "gbr"}, "rgb or bgr"),
        ({"mean": [0.5]}, "three numbers"),
        ({"std": [0, 1, 1]}, "no deviation of 0"),
        ({"calibration": {"count": 0}}, "at least one image"),
        ({"calibration": {"choice": "all"}}, "no 'all': choose one of balanced, random, farthest"),
        ({"quantization": {"algorithm": "gdq"}}, "no 'gdq': choose one of normal, kl_divergence, mmse"),
        ({"quantization": {"method": "group32"}}, "no 'group32': choose one of channel, layer"),
    ],
)
def test_what_cannot_work_is_refused_before_any_tool_starts(params, words):
    with pytest.raises(InputError, match=words):
        read_plan(spec(**params))


def test_a_specification_without_its_inputs_is_refused():
    with pytest.raises(InputError, match="KeyError: 'onnx'"):
        read_plan({**SPEC, "inputs": {}})


def test_a_model_that_needs_more_memory_than_the_chip_has_is_refused():
    chip = {**read_chip("rv1106"), "model_memory_mb": 10}
    check_memory(chip, 4 * 2**20, 5 * 2**20)
    with pytest.raises(InputError, match="needs 12 MB on Rockchip RV1106, which has 10 MB"):
        check_memory(chip, 6 * 2**20, 6 * 2**20)
    check_memory({**chip, "model_memory_mb": None}, 2**40, 0)


def test_a_float_model_has_no_16_bit_layers():
    wanted = {"dtype": "fp16", "int16_layers": ["conv"]}
    with pytest.raises(InputError, match="no 16-bit layers"):
        read_plan(spec(chip=read_chip("rk3588"), quantization=wanted))
