"""Applies a training's method to PaddleClas's engine."""

from __future__ import annotations

from typing import Any

from workers.train.parameters import QAT


def attach(engine: Any, method: dict[str, Any] | None) -> None:
    """Let an engine that is built, and has its weights, train by ``method``."""
    if method and method["name"] == QAT:
        _fake_quantize(engine)


def _fake_quantize(engine: Any) -> None:
    from workers.train.methods.fake_quantization import FakeQuantization

    quantization, own = FakeQuantization(engine.model), engine.train_epoch_func
    epochs = engine.config.Global.epochs

    def train_epoch(engine: Any, epoch: int, print_step: int) -> None:
        quantization.frozen = 1 < epochs == epoch
        own(engine, epoch, print_step)

    engine.train_epoch_func = train_epoch
