"""Applies a training's method to PaddleClas's engine."""

from __future__ import annotations

from typing import Any

from workers.train.parameters import DISTILLATION, QAT


def attach(engine: Any, method: dict[str, Any] | None) -> None:
    """Let an engine that is built, and has its weights, train by ``method``."""
    if method:
        ATTACHED[method["name"]](engine, method)


def _distil(engine: Any, method: dict[str, Any]) -> None:
    import paddle
    from ppcls.arch import build_model
    from ppcls.utils.save_load import load_dygraph_pretrain

    from workers.train.methods.distillation import Distillation

    arch = {**engine.config["Arch"], "name": method["teacher"]}
    # Some networks name their parameters themselves, and no two may have one name.
    with paddle.utils.unique_name.guard("teacher."):
        teacher = build_model({**engine.config, "Arch": arch})
    load_dygraph_pretrain(teacher, method["weights"].removesuffix(".pdparams"))
    Distillation(engine, teacher)


def _fake_quantize(engine: Any, _: dict[str, Any]) -> None:
    from workers.train.methods.fake_quantization import FakeQuantization

    quantization, own = FakeQuantization(engine.model), engine.train_epoch_func
    epochs = engine.config.Global.epochs

    def train_epoch(engine: Any, epoch: int, print_step: int) -> None:
        quantization.frozen = 1 < epochs == epoch
        own(engine, epoch, print_step)

    engine.train_epoch_func = train_epoch


ATTACHED = {QAT: _fake_quantize, DISTILLATION: _distil}
