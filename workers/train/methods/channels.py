"""Finds the channels of a network that depend on each other, and removes some of them.

A convolution's output channel can be removed only together with that channel in every layer that processes or
reads it: normalisation, depthwise convolution, gate, sum, and the following convolutions. These layers are
found by experiment: one output channel of a convolution is changed while the outputs of all other
convolutions are held fixed, and the layers whose input changes in exactly one channel belong to the group.
Where outputs are concatenated, that channel has another number in the layer's input, always by the same
distance. The fixed outputs are noise. Three channels are tried, because some channels of a trained network
are dead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import paddle
from paddle.nn import BatchNorm, BatchNorm2D, Conv2D, Layer, Linear

LOUD = 8.0
TRIED = 3  # channels of a convolution
PROBED = (Conv2D, Linear, BatchNorm, BatchNorm2D)


class Entangled(Exception):
    """A network whose channels do not keep their positions from one layer to the next."""


@dataclass(frozen=True)
class Span:
    """The channels of a layer's input that a group produces: from ``first`` on."""

    layer: Layer
    first: int


@dataclass
class Group:
    """``producers`` output the channels, ``passing`` process each one separately, ``readers`` mix them."""

    producers: list[Conv2D] = field(default_factory=list)
    passing: list[Span] = field(default_factory=list)
    readers: list[Span] = field(default_factory=list)

    @property
    def size(self) -> int:
        return self.producers[0].weight.shape[0]

    @property
    def spans(self) -> list[Span]:
        return self.passing + self.readers


def is_dense(layer: Layer) -> bool:
    return isinstance(layer, Linear) or (isinstance(layer, Conv2D) and layer._groups == 1)


def groups_of(network: Layer, shape: list[int]) -> list[Group]:
    """Return the channel groups of a network, in the order in which they are computed.

    ``shape`` is the shape of one image. Raises Entangled.
    """
    network.eval()
    probe, image = _Probe(network), paddle.rand([2 * TRIED, *shape])
    with probe, paddle.no_grad():
        network(image)
        found = [
            (producer, probe.touched(lambda: network(image), producer)) for producer in list(probe.order)
        ]
    groups: list[Group] = []
    for producer, touched in found:
        joined = [group for group in groups if set(touched) & set(group.spans)]
        group = Group([producer])
        for other in joined:
            groups.remove(other)
            group.producers = other.producers + group.producers
            touched = other.spans + touched
        for span in dict.fromkeys(touched):
            (group.readers if is_dense(span.layer) else group.passing).append(span)
        groups.append(group)
    return [group for group in groups if group.readers]


class _Probe:
    """Hooks on a network's layers, active during the search for groups."""

    def __init__(self, network: Layer):
        self.layers = [layer for layer in network.sublayers() if type(layer) in PROBED]
        self.order: list[Conv2D] = []
        self.inputs: dict[Layer, Any] = {}
        self.outputs: dict[Layer, Any] = {}
        self.changed: Layer | None = None
        self.channels: list[int] = []
        self.found: list[Span] = []

    def __enter__(self) -> _Probe:
        hooks = [layer.register_forward_pre_hook(self._before) for layer in self.layers]
        self.hooks = hooks + [layer.register_forward_post_hook(self._after) for layer in self.layers]
        return self

    def __exit__(self, *_: Any) -> None:
        for hook in self.hooks:
            hook.remove()

    def touched(self, run: Callable[[], Any], producer: Layer) -> list[Span]:
        """Return the spans in which a layer's input changes with the output of ``producer``."""
        self.changed, self.found = producer, []
        size = producer.weight.shape[0]
        self.channels = [0, size // 2, size - 1]
        run()
        self.changed = None
        firsts = dict[Layer, int]()
        for span in self.found:
            if firsts.setdefault(span.layer, span.first) != span.first:
                raise Entangled(span.layer.full_name())
        return self.found

    def _before(self, layer: Layer, inputs: tuple) -> None:
        if self.changed is None:
            self.inputs[layer] = inputs[0]
            return
        different = (inputs[0] != self.inputs[layer]).numpy()
        different = different.reshape(TRIED, 2, different.shape[1], -1).any(axis=(1, 3))
        for channel, row in zip(self.channels, different, strict=True):
            places = row.nonzero()[0].tolist()
            if len(places) > 1 or min(places, default=channel) < channel:
                raise Entangled(layer.full_name())
            self.found += [Span(layer, place - channel) for place in places]

    def _after(self, layer: Layer, inputs: tuple, output: Any) -> Any:
        if self.changed is None:
            if is_dense(layer):
                self.outputs[layer] = paddle.uniform(output.shape, min=-LOUD, max=LOUD)
                if isinstance(layer, Conv2D):
                    self.order.append(layer)
            return self.outputs.get(layer)
        if layer is self.changed:
            changed = self.outputs[layer].clone()
            for image, channel in enumerate(self.channels):
                # One image per sign: an activation that is flat on one side still passes the other.
                changed[2 * image, channel], changed[2 * image + 1, channel] = LOUD, -LOUD
            return changed
        return self.outputs.get(layer)


def keep(kept: Iterable[tuple[Group, list[int]]]) -> None:
    """Remove all channels of the groups except those listed with each."""
    made: dict[Layer, set[int]] = defaultdict(set)
    read: dict[Layer, set[int]] = defaultdict(set)
    for group, channels in kept:
        gone = set(range(group.size)) - set(channels)
        for layer in group.producers:
            made[layer] |= gone
        for span in group.spans:
            read[span.layer] |= {span.first + channel for channel in gone}
    for layer, gone in made.items():
        _cut(layer, ("weight", "bias"), gone, 0)
    for layer, gone in read.items():
        if is_dense(layer):
            _cut(layer, ("weight",), gone, 0 if isinstance(layer, Linear) else 1)
        else:
            _cut(layer, ("weight", "bias", "_mean", "_variance"), gone, 0)
    for layer in {*made, *read}:
        update_sizes(layer)


def _cut(layer: Layer, names: tuple[str, ...], gone: set[int], axis: int) -> None:
    for name in names if gone else ():
        values = getattr(layer, name, None)
        if values is not None:
            kept = [channel for channel in range(values.shape[axis]) if channel not in gone]
            put(layer, name, paddle.index_select(values, paddle.to_tensor(kept), axis))


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
