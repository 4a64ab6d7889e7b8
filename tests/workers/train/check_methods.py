"""What the methods compute: ``test_methods_for_real.py`` runs it in the training environment."""

import numpy
import paddle  # noqa: TID251  (this runs in the training environment)
from paddle.nn import BatchNorm2D, Conv2D, Linear, ReLU, Sequential  # noqa: TID251

from workers.train.methods.distillation import divergence, labelled
from workers.train.methods.fake_quantization import FakeQuantization, Range, quantize_weight


def weights_are_rounded_for_each_channel() -> None:
    weight = paddle.to_tensor([[[[1.0, -0.3]]], [[[100.0, 0.7]]]])
    rounded = quantize_weight(weight, 0).numpy().reshape(2, 2)
    assert numpy.allclose(rounded[0], [1.0, -38 / 127]), rounded
    assert numpy.allclose(rounded[1], [100.0, 100 / 127]), rounded


def a_range_holds_zero_and_moves_slowly() -> None:
    found = Range()
    found.observe(paddle.to_tensor([2.0, 6.0]))
    assert (float(found.low), float(found.high)) == (0.0, 6.0)
    found.observe(paddle.to_tensor([-1.0, 1.0]))
    assert numpy.allclose([float(found.low), float(found.high)], [-0.05, 5.75])
    assert (
        float(found.quantize(paddle.to_tensor([100.0]))[0]) < 6 and found.quantize(paddle.zeros([1]))[0] == 0
    )


def a_network_rounds_passes_gradients_and_keeps_its_parameters() -> None:
    paddle.seed(1)
    network = Sequential(Conv2D(3, 4, 3), BatchNorm2D(4), ReLU(), Conv2D(4, 4, 3, groups=4))
    head, x = Linear(4, 2), paddle.rand([2, 3, 8, 8])
    names, plain = sorted(network.state_dict()), network(x)
    weight = network[0].weight.numpy()
    quantization = FakeQuantization(network)
    rounded = network(x)
    difference = float((rounded - plain).abs().max())
    assert 0 < difference < 0.1, difference
    FakeQuantization(head)
    head(rounded.mean(axis=[2, 3])).sum().backward()
    assert float(network[0].weight.grad.abs().max()) > 0
    assert sorted(network.state_dict()) == names and (network[0].weight.numpy() == weight).all()
    quantization.frozen = True
    network.eval()
    assert (network(x).numpy() == network(x).numpy()).all()


def a_student_that_answers_as_its_teacher_has_nothing_to_learn() -> None:
    logits = paddle.to_tensor([[3.0, 1.0], [0.0, 2.0]])
    assert abs(float(divergence(logits, logits))) < 1e-6
    assert float(divergence(-logits, logits)) > 1


def images_without_a_label_are_told_apart() -> None:
    assert labelled(paddle.to_tensor([[3], [-1], [0]])).tolist() == [0, 2]


for check in (
    weights_are_rounded_for_each_channel,
    a_range_holds_zero_and_moves_slowly,
    a_network_rounds_passes_gradients_and_keeps_its_parameters,
    a_student_that_answers_as_its_teacher_has_nothing_to_learn,
    images_without_a_label_are_told_apart,
):
    check()
    print(check.__name__, "holds")
