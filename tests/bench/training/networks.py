"""The networks whose training is measured, and one step of it."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy
import paddle  # noqa: TID251  (this runs in the training environment)
from paddle import nn  # noqa: TID251

from workers.train.suite import PADDLECLAS

sys.path.insert(0, str(PADDLECLAS.index))

from ppcls.arch.backbone.legendary_models import pp_lcnet

CHANNELS, CLASSES = 96, 80  # of PicoDet-S's neck and head


class Separable(nn.Layer):
    """Depthwise and pointwise convolution, each with batch normalisation and hard swish."""

    def __init__(self, channels: int, stride: int = 1):
        super().__init__()
        options = {"stride": stride, "padding": 2, "groups": channels, "bias_attr": False}
        self.layers = nn.Sequential(
            nn.Conv2D(channels, channels, 5, **options),
            nn.BatchNorm2D(channels),
            nn.Hardswish(),
            nn.Conv2D(channels, CHANNELS, 1, bias_attr=False),
            nn.BatchNorm2D(CHANNELS),
            nn.Hardswish(),
        )

    def forward(self, x):
        return self.layers(x)


class Detector(nn.Layer):
    """The layers of PicoDet-S: PP-LCNet x0.75, a path aggregation neck of four levels, a head for each."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = pp_lcnet.PPLCNet_x0_75(class_num=2)
        self.narrow = nn.LayerList([nn.Conv2D(width, CHANNELS, 1) for width in (96, 192, 384)])
        self.down = nn.LayerList([Separable(2 * CHANNELS) for _ in range(2)])
        self.up = nn.LayerList([Separable(2 * CHANNELS) for _ in range(2)])
        self.shrink = nn.LayerList([Separable(CHANNELS, stride=2) for _ in range(3)])
        self.heads = nn.LayerList(
            nn.Sequential(Separable(CHANNELS), Separable(CHANNELS), nn.Conv2D(CHANNELS, CLASSES + 33, 1))
            for _ in range(4)
        )

    def forward(self, x):
        net, levels = self.backbone, []
        x = net.blocks3(net.blocks2(net.conv1(x)))
        for blocks in (net.blocks4, net.blocks5, net.blocks6):
            x = blocks(x)
            levels.append(self.narrow[len(levels)](x))
        for i in (1, 0):
            larger = nn.functional.interpolate(levels[i + 1], scale_factor=2)
            levels[i] = self.down[i](paddle.concat([levels[i], larger], axis=1))
        for i in (0, 1):
            smaller = self.shrink[i](levels[i])
            levels[i + 1] = self.up[i](paddle.concat([levels[i + 1], smaller], axis=1))
        levels.append(self.shrink[2](levels[2]))
        outputs = [head(level).flatten(2) for head, level in zip(self.heads, levels, strict=True)]
        return paddle.concat(outputs, axis=2)


# Name of the figure: network, side of the images, images in a batch.
CASES = {
    "ratio_64": (lambda: pp_lcnet.PPLCNet_x0_25(class_num=10), 64, 16),
    "ratio_160": (lambda: pp_lcnet.PPLCNet_x1_0(class_num=10), 160, 32),
    "ratio_detection": (Detector, 320, 8),
}


def optimizer(network: nn.Layer, rate):
    return paddle.optimizer.Momentum(
        rate, 0.9, parameters=network.parameters(), weight_decay=paddle.regularizer.L2Decay(3e-5)
    )


def make_step(case: str) -> Callable[[], float]:
    """Return a function that trains one step and returns the loss."""
    make, side, batch = CASES[case]
    paddle.seed(0)
    network = make()
    network.train()
    momentum = optimizer(network, 0.01)
    random = numpy.random.default_rng(0)
    images = paddle.to_tensor(random.standard_normal((batch, 3, side, side), "float32"))
    labels = paddle.to_tensor(random.integers(0, 10, (batch, 1)))

    def step() -> float:
        answer = network(images)
        classified = answer.ndim == 2
        loss = nn.functional.cross_entropy(answer, labels) if classified else answer.square().mean()
        loss.backward()
        momentum.step()
        momentum.clear_grad()
        return float(loss)

    return step
