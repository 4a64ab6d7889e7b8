"""How much each channel of a group matters; pruning removes those that matter least."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import paddle
from paddle.nn import BatchNorm, BatchNorm2D, Conv2D, Layer

from workers.train.methods.channels import Group

L1, FPGM, TAYLOR = "l1", "fpgm", "taylor"
NORMALISATION = (BatchNorm, BatchNorm2D)
Ranking = Callable[[Group], paddle.Tensor]


def l1(group: Group) -> paddle.Tensor:
    """The sum of the absolute weights that produce each channel."""
    return sum(layer.weight.abs().reshape([group.size, -1]).sum(axis=1) for layer in group.producers)


def fpgm(group: Group) -> paddle.Tensor:
    """The distance of each channel's weights from those of all others: similar channels are redundant.

    He et al., 2019, filter pruning via geometric median.
    """
    flat = paddle.concat([layer.weight.reshape([group.size, -1]) for layer in group.producers], axis=1)
    return paddle.cdist(flat, flat).sum(axis=1)


def taylor(network: Layer, losses: Iterable[paddle.Tensor]) -> Ranking:
    """Rank channels by how much each loss would change without them, to first order.

    Molchanov et al., 2019, importance estimation for neural network pruning. A normalised channel vanishes
    with its scale and shift; without normalisation, with the weights that produce it. ``losses`` are computed
    one after the other, each on other images.
    """
    layers = [layer for layer in network.sublayers() if isinstance(layer, (Conv2D, *NORMALISATION))]
    changes: dict[Layer, paddle.Tensor] = {}
    for loss in losses:
        loss.backward()
        for layer in layers:
            if (change := _change(layer)) is not None:
                changes[layer] = changes.get(layer, 0.0) + change.square()
        for parameter in network.parameters():
            parameter.clear_gradient()

    def ranking(group: Group) -> paddle.Tensor:
        normalised = [
            changes[span.layer][span.first : span.first + group.size]
            for span in group.passing
            if isinstance(span.layer, NORMALISATION) and span.layer in changes
        ]
        return sum(normalised or [changes[layer] for layer in group.producers])

    return ranking


def _change(layer: Layer) -> paddle.Tensor | None:
    """The change of the loss if each output channel of a layer were zero; None if the loss ignores it."""
    parts = [one for one in (layer.weight, layer.bias) if one is not None and one.grad is not None]
    if not parts:
        return None
    return sum((one * one.grad).reshape([one.shape[0], -1]).sum(axis=1) for one in parts).detach()


PLAIN = {L1: l1, FPGM: fpgm}
