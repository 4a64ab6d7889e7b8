"""Finds the channels of a network that depend on each other, and removes some of them.

A convolution's output channel can be removed only together with that channel in every layer that processes or
reads it: normalisation, depthwise convolution, gate, sum, and the following convolutions. These layers are
found by experiment: one output channel of a convolution is changed while the outputs of all other
convolutions are held fixed, and the layers whose input changes in exactly that channel belong to the group.
The fixed outputs are noise. Three channels are tried, because some channels of a trained network are dead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import paddle
from paddle.nn import BatchNorm, BatchNorm2D, Conv2D, Layer, Linear

LOUD = 8.0
PROBED = (Conv2D, Linear, BatchNorm, BatchNorm2D)


class Entangled(Exception):
    """A network whose channels do not keep their positions from one layer to the next."""


@dataclass
class Group:
    """``producers`` output the channels, ``passing`` process each one separately, ``readers`` mix them."""

    producers: list[Conv2D] = field(default_factory=list)
    passing: list[Layer] = field(default_factory=list)
    readers: list[Layer] = field(default_factory=list)

    @property
    def size(self) -> int:
        return self.producers[0].weight.shape[0]


def is_dense(layer: Layer) -> bool:
    return isinstance(layer, Linear) or (isinstance(layer, Conv2D) and layer._groups == 1)


def groups_of(network: Layer, shape: list[int]) -> list[Group]:
    """Return the channel groups of a network, in the order in which they are computed.

    ``shape`` is the shape of one image. Raises Entangled.
    """
    network.eval()
    probe, image = _Probe(network), paddle.rand([2, *shape])
    with probe, paddle.no_grad():
        network(image)
        found = [
            (producer, probe.touched(lambda: network(image), producer)) for producer in list(probe.order)
        ]
    groups: list[Group] = []
    for producer, touched in found:
        joined = [group for group in groups if set(map(id, touched)) & set(map(id, _all(group)))]
        group = Group([producer])
        for other in joined:
            groups.remove(other)
            group.producers = other.producers + group.producers
            touched = _all(other) + touched
        for layer in dict.fromkeys(touched):
            (group.readers if is_dense(layer) else group.passing).append(layer)
        groups.append(group)
    return [group for group in groups if group.readers]


def _all(group: Group) -> list[Layer]:
    return group.passing + group.readers


class _Probe:
    """Hooks on a network's layers, active during the search for groups."""

    def __init__(self, network: Layer):
        self.layers = [layer for layer in network.sublayers() if type(layer) in PROBED]
        self.order: list[Conv2D] = []
        self.inputs: dict[Layer, Any] = {}
        self.outputs: dict[Layer, Any] = {}
        self.changed: Layer | None = None
        self.channel = 0
        self.found: list[Layer] = []

    def __enter__(self) -> _Probe:
        hooks = [layer.register_forward_pre_hook(self._before) for layer in self.layers]
        self.hooks = hooks + [layer.register_forward_post_hook(self._after) for layer in self.layers]
        return self

    def __exit__(self, *_: Any) -> None:
        for hook in self.hooks:
            hook.remove()

    def touched(self, run: Callable[[], Any], producer: Layer) -> list[Layer]:
        """Return the layers whose input changes in the same channel as the output of ``producer``."""
        self.changed, self.found = producer, []
        size = producer.weight.shape[0]
        for self.channel in (0, size // 2, size - 1):
            run()
        self.changed = None
        return self.found

    def _before(self, layer: Layer, inputs: tuple) -> None:
        if self.changed is None:
            self.inputs[layer] = inputs[0]
            return
        others = [axis for axis in range(inputs[0].ndim) if axis != 1]
        different = (inputs[0] != self.inputs[layer]).any(axis=others).nonzero().reshape([-1]).tolist()
        if different == [self.channel]:
            self.found.append(layer)
        elif different:
            raise Entangled(layer.full_name())

    def _after(self, layer: Layer, inputs: tuple, output: Any) -> Any:
        if self.changed is None:
            if is_dense(layer):
                self.outputs[layer] = paddle.uniform(output.shape, min=-LOUD, max=LOUD)
                if isinstance(layer, Conv2D):
                    self.order.append(layer)
            return self.outputs.get(layer)
        if layer is self.changed:
            changed = self.outputs[layer].clone()
            # One image per sign: an activation that is flat on one side still passes the other.
            changed[0, self.channel], changed[1, self.channel] = LOUD, -LOUD
            return changed
        return self.outputs.get(layer)


def keep(group: Group, kept: list[int]) -> None:
    """Remove all channels of a group except ``kept``."""
    index = paddle.to_tensor(kept)
    for layer in group.producers:
        _cut(layer, "weight", index, 0)
        _cut(layer, "bias", index, 0)
    for layer in group.passing:
        for name in ("weight", "bias", "_mean", "_variance"):
            _cut(layer, name, index, 0)
    for layer in group.readers:
        _cut(layer, "weight", index, 0 if isinstance(layer, Linear) else 1)
    for layer in (*group.producers, *group.passing, *group.readers):
        update_sizes(layer)


def _cut(layer: Layer, name: str, index: Any, axis: int) -> None:
    values = getattr(layer, name, None)
    if values is not None:
        put(layer, name, paddle.index_select(values, index, axis))


def put(layer: Layer, name: str, values: paddle.Tensor) -> None:
    """Replace a parameter or buffer with one of another size."""
    old = getattr(layer, name)
    new = layer.create_parameter(values.shape, dtype=values.dtype)
    new.set_value(values)
    new.stop_gradient, new.trainable = old.stop_gradient, not old.stop_gradient
    new.regularizer = getattr(old, "regularizer", None)
    (layer._parameters if name in layer._parameters else layer._buffers)[name] = new


def update_sizes(layer: Layer) -> None:
    """Update a layer's own record of its sizes from its weights."""
    if isinstance(layer, Conv2D):
        out, per_group = layer.weight.shape[:2]
        layer._out_channels = out
        if layer._groups > 1:
            layer._groups = layer._in_channels = out
        else:
            layer._in_channels = per_group
