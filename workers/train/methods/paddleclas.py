"""Applies a training's method to PaddleClas's engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workers.train import precise_bn
from workers.train.parameters import DISTILLATION, PRUNING, QAT


def prepare(config: Any, mode: str) -> None:
    """Make the suite build networks as the method requires; call it before the engine is created."""
    method = config.get("Method")
    if not method or method["name"] == DISTILLATION:
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

    from workers.train.methods import refusals
    from workers.train.methods.importance import PLAIN, taylor
    from workers.train.methods.pruning import prune, resize

    settings = config["Global"]
    start = settings["checkpoints"] or settings["pretrained_model"]
    weights = paddle.load(f"{start}.pdparams")
    resize(network, weights)
    if method["name"] != PRUNING or mode != "train" or settings["checkpoints"]:
        return
    network.set_state_dict(weights)
    ranking = PLAIN.get(method["importance"]) or taylor(network, _losses(network, config[precise_bn.KEY]))
    with refusals.told():
        prune(network, settings["image_shape"], method["share"], ranking, method["unit"])
    settings["pretrained_model"] = None  # already loaded into the network


def _losses(network: Any, told: dict[str, Any]) -> Iterator[Any]:
    """Yield the losses of batches of training images, with the statistics as they are."""
    import paddle

    network.eval()
    for pixels, labels in precise_bn.batches(told):
        yield paddle.nn.functional.cross_entropy(network(paddle.to_tensor(pixels)), paddle.to_tensor(labels))


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

    arch = {**engine.config["Arch"], "name": method["teacher"]["architecture"]}
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
