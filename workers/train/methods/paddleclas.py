"""Applies a training's method to PaddleClas's engine."""

from __future__ import annotations

from typing import Any

from workers.train.parameters import DISTILLATION, PRUNING, QAT
from workers.train.progress import MARK, TOO_SMALL


def prepare(config: Any, mode: str) -> None:
    """Make the suite build networks as the method requires; call it before the engine is created."""
    method = config.get("Method")
    if not method or method["name"] not in (QAT, PRUNING):
        return
    import ppcls.engine.engine as module

    own = module.build_model

    def build_model(config: Any, mode: str = "train") -> Any:
        network = own(config, mode)
        _fit(network, config, method, mode)
        return network

    module.build_model = build_model


def _fit(network: Any, config: Any, method: dict[str, Any], mode: str) -> None:
    """Resize a network to already pruned weights; for a new pruning, prune it before it is trained."""
    import paddle

    from workers.train.methods.pruning import TooSmall, prune, resize

    settings = config["Global"]
    start = settings["checkpoints"] or settings["pretrained_model"]
    weights = paddle.load(f"{start}.pdparams")
    resize(network, weights)
    if method["name"] != PRUNING or mode != "train" or settings["checkpoints"]:
        return
    network.set_state_dict(weights)
    try:
        prune(network, settings["image_shape"], method["share"], method["importance"])
    except TooSmall as reached:
        print(f"{MARK} {TOO_SMALL} {reached}", flush=True)
        raise
    settings["pretrained_model"] = None  # already loaded into the network


def attach(engine: Any, method: dict[str, Any] | None) -> None:
    """Make an engine that has been built, with its weights loaded, train by ``method``."""
    if method:
        ATTACHED.get(method["name"], lambda *_: None)(engine, method)


def _distil(engine: Any, method: dict[str, Any]) -> None:
    import paddle
    from ppcls.arch import build_model
    from ppcls.utils.save_load import load_dygraph_pretrain

    from workers.train.methods.distillation import Distillation
    from workers.train.methods.pruning import resize

    arch = {**engine.config["Arch"], "name": method["teacher"]}
    # Some networks name their own parameters, and names must be unique.
    with paddle.utils.unique_name.guard("teacher."):
        teacher = build_model({**engine.config, "Arch": arch})
    resize(teacher, paddle.load(method["weights"]))
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
