import pytest

from workers.contract import ToolchainError
from workers.convert.capture import clean
from workers.convert.errortable import LayerError, mean, outliers, parse

from .conftest import read_log


def test_the_table_is_read_from_input_to_output_with_what_is_fused():
    layers = parse(read_log("layer-errors.txt"))
    assert (len(layers), layers[0].name, layers[-1].name) == (47, "x", "p2o.pd_op.add.4.0")
    worst = min(layers, key=lambda layer: layer.single_cosine)
    assert (worst.type, worst.name, worst.single_cosine) == ("Conv", "p2o.pd_op.add.1.0", 0.63331)
    relu = next(layer for layer in layers if layer.name == "p2o.pd_op.relu.0.0")
    assert relu.fused == ["p2o.pd_op.add.0.0"] and relu.euclidean == 9.15704


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        (
            "[Conv] conv.1   0.99876 | 1234567.125500.99969 | 0.35873",
            (0.99876, 1234567.1255, 0.99969, 0.35873),
        ),
        ("[Conv] conv.10.99876 | 22.45323  -0.12345 | 104857.60000", (0.99876, 22.45323, -0.12345, 104857.6)),
        ("[Conv] conv.1   nan | inf       0.99969 | 0.00000", (None, None, 0.99969, 0.0)),
    ],
)
def test_numbers_that_touch_each_other_are_told_apart(line, numbers):
    (layer,) = parse(line)
    assert layer.name == "conv.1"
    assert (layer.cosine, layer.euclidean, layer.single_cosine, layer.single_euclidean) == numbers


@pytest.mark.parametrize(
    ("text", "words"), [("", "no table of errors"), ("[Conv] conv 0.9 | what", "could not be read")]
)
def test_what_is_no_table_is_refused(text, words):
    with pytest.raises(ToolchainError, match=words):
        parse(text)


def test_weights_that_stand_out_are_read_from_the_log_of_the_build():
    assert outliers(clean(read_log("outliers.log"))) == {"conv2d_24.w_0": 113.169, "conv2d_28.w_0": -97.31}
    assert outliers("I nothing to say") == {}


def test_the_mean_leaves_out_what_was_no_number():
    one = LayerError("Conv", "a", 1.0, 2.0, None, 4.0)
    two = LayerError("Conv", "a", 0.5, 4.0, 0.25, None)
    (found,) = mean([[one], [two]])
    assert (found.cosine, found.euclidean, found.single_cosine, found.single_euclidean) == (0.75, 3, 0.25, 4)
