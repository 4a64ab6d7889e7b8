"""What the methods compute: ``test_methods_for_real.py`` runs it in the training environment."""

import copy
from types import SimpleNamespace

import numpy
import paddle  # noqa: TID251  (this runs in the training environment)
from paddle.nn import BatchNorm2D, Conv2D, Linear, ReLU, Sequential  # noqa: TID251

from workers.train import precise_bn
from workers.train.methods.channels import Entangled, groups_of
from workers.train.methods.costs import CYCLES, MACS, costs_of, total
from workers.train.methods.distillation import divergence, labelled
from workers.train.methods.fake_quantization import FakeQuantization, Range, quantize_weight
from workers.train.methods.importance import fpgm, l1, taylor
from workers.train.methods.pruning import TooSmall, prune, resize


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
    assert float(divergence(-logits, logits)) > 0.5


def images_without_a_label_are_told_apart() -> None:
    assert labelled(paddle.to_tensor([[3], [-1], [0]])).tolist() == [0, 2]


class Residual(paddle.nn.Layer):
    """A convolution, a depthwise one with a gate, a sum with what came in, and a reader."""

    def __init__(self):
        super().__init__()
        self.first, self.normal = Conv2D(3, 64, 3, padding=1), BatchNorm2D(64)
        self.apart, self.second = Conv2D(64, 64, 3, padding=1, groups=64), Conv2D(64, 64, 1)
        self.squeeze, self.gate, self.last = Conv2D(64, 32, 1), Conv2D(32, 64, 1), Linear(64, 5)

    def forward(self, x):
        x = paddle.nn.functional.relu6(self.normal(self.first(x)))
        y = self.apart(x)
        pooled = y.mean(axis=[2, 3], keepdim=True)
        y = y * paddle.nn.functional.hardsigmoid(self.gate(paddle.nn.functional.relu(self.squeeze(pooled))))
        return self.last((x + self.second(y)).mean(axis=[2, 3]))


def channels_that_are_added_or_multiplied_belong_together() -> None:
    network = Residual()
    named = {id(layer): name for name, layer in network.named_sublayers()}
    groups = [
        (
            sorted(named[id(layer)] for layer in one.producers),
            *(sorted(named[id(span.layer)] for span in part) for part in (one.passing, one.readers)),
        )
        for one in groups_of(network, [3, 8, 8])
    ]
    assert (["squeeze"], [], ["gate"]) in groups
    wide = (["first", "gate", "second"], ["apart", "normal"], ["last", "second", "squeeze"])
    assert wide in groups and len(groups) == 2, groups


class Joined(paddle.nn.Layer):
    """Two convolutions side by side, a depthwise one over both, and a reader."""

    def __init__(self):
        super().__init__()
        self.left, self.right = Conv2D(3, 32, 1), Conv2D(3, 48, 1)
        self.normal, self.apart = BatchNorm2D(80), Conv2D(80, 80, 3, padding=1, groups=80)
        self.last = Conv2D(80, 5, 1)

    def forward(self, x):
        return self.last(self.apart(self.normal(paddle.concat([self.left(x), self.right(x)], axis=1))))


def channels_side_by_side_go_one_by_one() -> None:
    network, x = Joined(), paddle.rand([2, 3, 8, 8])
    left, right = groups_of(network, [3, 8, 8])
    assert [span.first for span in left.spans] == [0, 0, 0] and left.size == 32
    assert [span.first for span in right.spans] == [32, 32, 32] and right.size == 48
    for layer, few in ((network.left, 16), (network.right, 32)):
        with paddle.no_grad():
            layer.weight[few:], layer.bias[few:] = 0.0, 0.0
    network.eval()
    whole = network(x)
    prune(network, [3, 8, 8], 0.7, l1)
    assert network.left.weight.shape[0] == 16 and network.right.weight.shape[0] == 32
    assert network.apart._groups == network.normal.weight.shape[0] == network.last.weight.shape[1] == 48
    assert paddle.allclose(network(x), whole, atol=1e-5)


def channels_that_change_places_are_not_pruned() -> None:
    class Shuffled(Joined):
        def forward(self, x):
            return self.last(paddle.flip(paddle.concat([self.left(x), self.right(x)], axis=1), [1]))

    try:
        prune(Shuffled(), [3, 8, 8], 0.7, l1)
    except Entangled as layer:
        assert len(str(layer).split()) == 1, layer
    else:
        raise AssertionError("it was pruned")


def costs_count_depthwise_layers_in_cycles_and_products() -> None:
    costs = costs_of(Joined(), [3, 8, 8])
    assert total(costs, MACS) == 64 * (3 * 32 + 3 * 48 + 9 * 80 + 80 * 5)
    assert len(costs) == 4 and total(costs, CYCLES) > total(costs[:2] + costs[3:], CYCLES)


def a_pruned_network_runs_learns_and_is_rebuilt_from_its_weights() -> None:
    network, shape = Residual(), [3, 8, 8]
    for unit in (CYCLES, MACS):
        network = Residual()
        whole = total(costs_of(network, shape), unit)
        prune(network, shape, 0.6, l1, unit)
        assert total(costs_of(network, shape), unit) <= 0.6 * whole
    assert network.first.weight.shape[0] == network.apart._groups == network.last.weight.shape[0] < 64
    assert network.first.weight.shape[0] % 16 == 0
    x = paddle.rand([2, *shape])
    again = Residual()
    resize(again, network.state_dict())
    again.set_state_dict(network.state_dict())
    network.eval(), again.eval()
    assert paddle.allclose(network(x), again(x))
    network.train()
    network(x).sum().backward()
    assert all(one.grad is not None for one in network.parameters() if not one.stop_gradient)


def channels_that_count_for_nothing_go_first() -> None:
    network, x = Sequential(Conv2D(3, 32, 1), ReLU(), Conv2D(32, 4, 1)), paddle.randn([2, 3, 8, 8])
    weak = list(range(0, 32, 2))
    weight = network[0].weight.numpy()
    weight[weak] *= 1e-6
    network[0].weight.set_value(weight)
    network[0].bias.set_value(paddle.zeros([32]))
    for ranking in (l1, fpgm, taylor):
        pruned = copy.deepcopy(network)
        losses = (pruned(x).square().sum() for _ in range(2))
        prune(pruned, [3, 8, 8], 0.9, ranking if ranking is not taylor else taylor(pruned, losses))
        assert float(pruned[0].weight.abs().sum(axis=[1, 2, 3]).min()) > 1e-3, ranking


def what_the_loss_ignores_goes_first() -> None:
    network = Sequential(Conv2D(3, 32, 1), BatchNorm2D(32), Conv2D(32, 4, 1))
    seen = paddle.concat([paddle.zeros([16]), paddle.ones([16])]).reshape([1, 32, 1, 1])
    network[2].weight.set_value(network[2].weight * seen)
    network.eval()
    ranking = taylor(network, (network(paddle.rand([2, 3, 8, 8])).square().sum() for _ in range(2)))
    scores = ranking(groups_of(network, [3, 8, 8])[0])
    assert float(scores[:16].max()) == 0 < float(scores[16:].min()), scores
    assert all(one.grad is None or not one.grad.any() for one in network.parameters())


def an_epoch_is_evaluated_with_the_statistics_of_images_as_boards_see_them() -> None:
    names = [f"images/{number}.png" for number in range(12)]
    precise_bn.read_images = lambda listing: names
    precise_bn._pixels = lambda told, batch: numpy.stack(
        [numpy.full([2, 3, 3], names.index(name), "float32") for name in batch]
    )
    network, seen = Sequential(BatchNorm2D(2)), []
    network.train()
    engine = SimpleNamespace(
        model=network, eval=lambda epoch: seen.append((epoch, network[0]._mean.numpy().tolist())) or 0.5
    )
    precise_bn.settle_before_evaluations(engine, {"dataset": "", "seed": 0})
    assert engine.eval(7) == 0.5 and seen == [(7, [5.5, 5.5])], seen
    assert network[0]._momentum == BatchNorm2D(2)._momentum


def what_cannot_go_is_not_pruned_away() -> None:
    try:
        prune(Residual(), [3, 8, 8], 0.01, l1)
    except TooSmall as reached:
        assert 0.01 < reached.args[0] < 1
    else:
        raise AssertionError("it was pruned to 1 %")


for check in (
    channels_that_are_added_or_multiplied_belong_together,
    a_pruned_network_runs_learns_and_is_rebuilt_from_its_weights,
    channels_side_by_side_go_one_by_one,
    channels_that_change_places_are_not_pruned,
    costs_count_depthwise_layers_in_cycles_and_products,
    channels_that_count_for_nothing_go_first,
    what_the_loss_ignores_goes_first,
    what_cannot_go_is_not_pruned_away,
    weights_are_rounded_for_each_channel,
    a_range_holds_zero_and_moves_slowly,
    a_network_rounds_passes_gradients_and_keeps_its_parameters,
    a_student_that_answers_as_its_teacher_has_nothing_to_learn,
    images_without_a_label_are_told_apart,
    an_epoch_is_evaluated_with_the_statistics_of_images_as_boards_see_them,
):
    check()
    print(check.__name__, "holds")
