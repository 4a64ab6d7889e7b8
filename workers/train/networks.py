"""Networks beyond the lists of PaddleX and of the training suite that the package index has.

PaddleX trains only models of its own list; a recipe may name any other network of the suite. The suite of
the package index (ppcls 2.4.0) lacks some newer networks. The ``paddleclas`` package of the environment has
them, but no training engine any more.
"""

from __future__ import annotations

import importlib
from typing import Any

NEWER = {
    "PPHGNetV2_B0": "paddleclas.ppcls.arch.backbone.legendary_models.pp_hgnet_v2",
    "PPLCNetV2_small": "paddleclas.ppcls.arch.backbone.legendary_models.pp_lcnet_v2",
}


def register_with_paddlex(model: str) -> None:
    """Let PaddleX train and export a classification network that its own list does not name."""
    from paddlex.modules.image_classification.exportor import ClsExportor
    from paddlex.modules.image_classification.trainer import ClsTrainer
    from paddlex.repo_apis.base.register import MODEL_INFO_REGISTRY, register_model_info

    if model in dict(MODEL_INFO_REGISTRY.all_records()):
        return
    # Each job has its own base configuration, which its YAML names.
    apis = ["train", "evaluate", "predict", "export", "infer"]
    register_model_info({"model_name": model, "suite": "Cls", "config_path": "", "supported_apis": apis})
    for base in (ClsTrainer, ClsExportor):  # a class is registered under its ``entities`` when it is made
        type(base)(f"{base.__name__}Of{model}", (base,), {"entities": [model]})


def add_newer(arch: Any) -> None:
    """Add the networks of ``NEWER`` that ``ppcls.arch`` lacks; a module is imported when one is built."""
    for name, module in NEWER.items():
        if not hasattr(arch, name):
            setattr(arch, name, _builder(name, module))


def _builder(name: str, module: str) -> Any:
    def build(**settings: Any) -> Any:
        network = getattr(importlib.import_module(module), name)(**settings)
        for layer in network.sublayers():
            # The suite's export merges parallel branches by this method's older name.
            if hasattr(layer, "re_parameterize") and not hasattr(layer, "rep"):
                layer.rep = layer.re_parameterize
        return network

    return build
