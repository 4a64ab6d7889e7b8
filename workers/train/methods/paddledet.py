"""Applies a training's method to PaddleDetection's trainer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import paddle
from paddle.nn import BatchNorm2D, Layer
from ppdet.core.workspace import create
from ppdet.engine.callbacks import Callback
from ppdet.optimizer import ModelEMA
from ppdet.utils.checkpoint import load_pretrain_weight

from workers.train.methods import refusals
from workers.train.methods.fake_quantization import FakeQuantization
from workers.train.methods.importance import PLAIN, taylor
from workers.train.methods.pruning import prune, resize
from workers.train.parameters import PRUNING, QAT

SUFFIX = ".pdparams"
PROBED = [3, 64, 64]  # the smallest image: channels do not depend on its size
BATCHES = 8  # for Taylor importance
LATE = 10**6  # an epoch after which boxes are assigned by what the network predicts


class RawOutputs(Layer):
    """A detector as a function of images alone, to its convolutions' last outputs."""

    def __init__(self, detector: Layer):
        super().__init__()
        self.detector = detector

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        head, outputs = self.detector.head, []
        for level, features in enumerate(self.detector.neck(self.detector.backbone({"image": x}))):
            classified, attended = head.conv_feat(features, level)
            outputs.append(head.cls_align[level](classified))
            outputs.append(head.head_cls_list[level](attended))
            outputs.append(head.head_reg_list[level](attended))
        return outputs


def fit(detector: Layer, weights: str) -> None:
    """Resize a detector to ``weights`` before they are loaded: they may be those of a pruned one."""
    resize(detector, paddle.load(weights.removesuffix(SUFFIX) + SUFFIX))


def prepare(training: Any, config: Any, resumed: str | None) -> bool:
    """Give a trainer the network that the training's method starts from; return whether it holds its weights.

    Call it before weights are loaded.
    """
    method, start = config.get("Method"), resumed or config.get("pretrain_weights")
    if not method or not start:
        return False
    fit(training.model, start)
    pruned = method["name"] == PRUNING and not resumed
    if pruned:
        load_pretrain_weight(training.model, start)
        _prune(training, config, method)
    # Both hold the parameters that the network had.
    training.optimizer = create("OptimizerBuilder")(training.lr, training.model)
    training.ema = ModelEMA(
        training.model, training.cfg["ema_decay"], cycle_epoch=training.cfg["cycle_epoch"]
    )
    return pruned


def _prune(training: Any, config: Any, method: dict[str, Any]) -> None:
    network, importance = RawOutputs(training.model), method["importance"]
    ranking = PLAIN.get(importance) or taylor(training.model, _losses(training))
    shape = config["TestReader"]["inputs_def"]["image_shape"]
    with refusals.told():
        prune(network, shape, method["share"], ranking, method["unit"], PROBED)


def _losses(training: Any) -> Iterator[paddle.Tensor]:
    """Yield the losses of a few batches, with the statistics as they are."""
    training.model.train()
    for layer in training.model.sublayers():
        if isinstance(layer, BatchNorm2D):
            layer.eval()
    # A loader without processes: Paddle's do not end before the last batch.
    for batch in islice(create("TrainReader")(training.dataset, 0), BATCHES):
        yield training.model({**batch, "epoch_id": LATE})["loss"]


class FakeQuantizing(Callback):
    """Rounds as int8 does; the ranges are frozen in the last epoch."""

    def __init__(self, training: Any):
        super().__init__(training)
        self.quantization = FakeQuantization(training.model)

    def on_epoch_begin(self, status: dict[str, Any]) -> None:
        epochs = self.model.cfg.epoch
        self.quantization.frozen = 1 < epochs == status["epoch_id"] + 1


def callbacks(training: Any, config: Any) -> list[Callback]:
    """What the training's method adds to a trainer."""
    method = config.get("Method") or {}
    return [FakeQuantizing(training)] if method.get("name") == QAT else []
