import pytest

from workers.contract import ToolchainError
from workers.convert.optable import parse_cost, refuse_missing_operators

from .conftest import read_chip, read_log


def test_the_table_of_a_build_is_read():
    cost = parse_cost(read_log("build-rv1106.log"))
    assert [layer.type for layer in cost.layers] == [
        "InputOperator", "ConvRelu", "ConvRelu", "Conv", "Conv", "Conv", "Reshape", "OutputOperator",
    ]  # fmt: skip
    first = cost.layers[1]
    assert (first.cycles_ddr, first.cycles_npu, first.cycles, first.rw_kb) == (4723, 9216, 9216, 12.0)
    assert (first.target, first.dtype, first.name) == ("NPU", "INT8", "Conv:conv0")
    assert first.input_shape == "(1,3,64,64),(8,3,3,3),(8)"


def test_cycles_and_memory_are_added_up():
    cost = parse_cost(read_log("build-rv1106.log"))
    assert cost.cycles == 9216 + 3720 + 847 + 144 + 64
    assert (cost.weight_bytes, cost.feature_bytes) == (5568, 28 * 1024)


def test_a_table_with_the_sparse_column_is_read():
    cost = parse_cost(read_log("build-rk3576.log"))
    assert cost.layers[0].type == "InputOperator"
    assert cost.layers[1].cycles == 9216
    assert cost.layers[1].rw_kb == 12.0
    assert cost.layers[1].name == "Conv:conv0"


@pytest.mark.parametrize("cycles", ["-28/640/640", "9/-1/640"])
def test_a_row_with_negative_cycles_is_read(cycles):
    log = read_log("build-rv1106-sqrt.log").replace("0/0/0 ", cycles + " ")
    layers = parse_cost(log).layers
    assert any(layer.cycles == 640 for layer in layers)
    assert all(min(layer.cycles_ddr, layer.cycles_npu, layer.cycles) >= 0 for layer in layers)


@pytest.mark.parametrize("ratio", ["50%(IC)", "0.0%"])
def test_a_row_with_a_sparse_ratio_is_read(ratio):
    row = f"3 Conv INT8 NPU (1,3,64,64) (1,8,32,32) 4723/9216/9216 {ratio} 12.00 Conv:conv0  "
    header = (
        "ID OpType DataType Target InputShape OutputShape Cycles(DDR/NPU/Total) SparseRatio RW(KB) FullName"
    )
    (layer,) = parse_cost(f"{header}\n{row}\n").layers
    assert (layer.cycles, layer.rw_kb, layer.name) == (9216, 12.0, "Conv:conv0")


def test_of_two_builds_in_one_log_the_last_counts():
    log = read_log("build-rk3576.log") + read_log("build-rv1106.log")
    assert parse_cost(log) == parse_cost(read_log("build-rv1106.log"))


def test_input_and_output_do_not_count_as_operators_on_the_cpu():
    assert parse_cost(read_log("build-rv1106.log")).cpu_operators == []


def test_an_operator_on_the_cpu_that_the_board_lacks_is_refused():
    cost = parse_cost(read_log("build-rv1106-sqrt.log"))
    assert cost.cpu_operators == ["Sqrt"]
    with pytest.raises(ToolchainError, match="would fail on Rockchip RV1106: Sqrt cannot run"):
        refuse_missing_operators(cost, read_chip("rv1106"))


def test_nothing_is_refused_where_the_runtime_is_not_known():
    refuse_missing_operators(parse_cost(read_log("build-rv1106-sqrt.log")), read_chip("rk3588"))


def test_an_operator_on_the_cpu_that_the_board_has_is_let_through():
    log = read_log("build-rv1106-sqrt.log").replace(" Sqrt ", " Exp  ")
    refuse_missing_operators(parse_cost(log), read_chip("rv1106"))


def test_a_log_without_a_table_is_an_error():
    with pytest.raises(ToolchainError, match="no operator table"):
        parse_cost("I rknn building done.\n")


def test_a_row_that_cannot_be_read_is_an_error_and_not_left_out():
    log = read_log("build-rv1106-sqrt.log").replace("0/0/0 ", "n/a   ")
    with pytest.raises(ToolchainError, match="could not be read"):
        parse_cost(log)
