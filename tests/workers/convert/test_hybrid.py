from types import SimpleNamespace

import pytest

from workers.contract import InputError
from workers.convert import hybrid

CONFIG = """custom_quantize_layers: {}
quantize_parameters:
    x:
        qtype: asym
        min:
        -   -2.1
    conv.1:
        qtype: asym
    'act.1':
        qtype: asym
"""


def node(op_type, inputs, output):
    return SimpleNamespace(op_type=op_type, input=inputs, output=[output])


def model():
    """x → Conv → HardSwish (as two operators) → Conv."""
    nodes = [
        node("Conv", ["x", "w1"], "conv.1"),
        node("HardSigmoid", ["conv.1"], "sigmoid"),
        node("Mul", ["conv.1", "sigmoid"], "act.1"),
        node("Conv", ["act.1", "w2"], "conv.2"),
    ]
    return SimpleNamespace(graph=SimpleNamespace(node=nodes))


def test_a_layer_takes_its_convolution_and_what_that_reads_along():
    known = hybrid.tensors_of(CONFIG)
    assert known == ["x", "conv.1", "act.1"]
    assert hybrid.tensors(model(), ["act.1"], known) == ["act.1", "conv.1"]
    assert hybrid.tensors(model(), ["conv.2", "act.1"], known) == ["act.1", "conv.1"]


@pytest.mark.parametrize("suffix", ["_int8", "_mm"])
def test_a_layer_that_the_toolkit_adds_at_the_end_is_that_of_the_output(suffix):
    assert hybrid.tensors(model(), ["conv.2" + suffix], ["x", "act.1", "conv.2"]) == ["conv.2", "act.1"]


def test_a_layer_that_is_not_there_is_refused():
    with pytest.raises(InputError, match=r"no layer add\.9"):
        hybrid.tensors(model(), ["add.9"], ["x"])


def test_the_configuration_names_the_layers_once():
    text = hybrid.choose(CONFIG, ["x", "act.1"])
    assert text.startswith(
        'custom_quantize_layers:\n    "x": int16\n    "act.1": int16\nquantize_parameters:\n'
    )
    with pytest.raises(ValueError, match="already"):
        hybrid.choose(text, ["x"])
