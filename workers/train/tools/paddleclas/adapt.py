"""Adapts the suite of the package index (ppcls 2.4.0) to Paddle 3 and PaddleX 3.7.

Each launcher calls ``prepare()`` before it uses ppcls. The suite on disk is not changed. The upstream suite
has launchers of its own and needs none of this.
"""

from __future__ import annotations

import os
import sys

from workers.train.augmenting import add_operators
from workers.train.launching import use_kernels
from workers.train.methods.paddleclas import attach
from workers.train.methods.paddleclas import prepare as prepare_method
from workers.train.networks import add_newer
from workers.train.precise_bn import KEY, settle_before_evaluations


def prepare() -> None:
    """Make ppcls importable from the working directory, which PaddleX sets to the suite, and patch it."""
    sys.path.insert(0, os.getcwd())
    _index_scalars()
    _name_the_dataset()
    _add_own_operators()
    _add_newer_networks()


def _index_scalars() -> None:
    """Let ``tensor.numpy()[0]`` work for a tensor without dimensions.

    Paddle 2 returned one element for it, and ppcls 2.4.0 relies on that wherever it logs a loss or a metric;
    Paddle 3 returns a scalar array, which cannot be indexed.
    """
    import numpy
    import paddle

    paddle_3_numpy = paddle.Tensor.numpy

    def numpy_with_a_dimension(tensor, *arguments):
        # Paddle itself passes an argument when it saves weights: those must keep their shape.
        array = paddle_3_numpy(tensor, *arguments)
        return array if arguments else numpy.atleast_1d(array)

    paddle.Tensor.numpy = numpy_with_a_dimension


def _name_the_dataset() -> None:
    """PaddleX names the dataset class ClsDataset; before 2.5, ppcls had the same class as ImageNetDataset."""
    import ppcls.data
    from ppcls.data.dataloader.imagenet_dataset import ImageNetDataset

    class ClsDataset(ImageNetDataset):
        """Lines ``relative/path label``."""

    ppcls.data.ClsDataset = ClsDataset


def _add_own_operators() -> None:
    import ppcls.data.preprocess

    add_operators(ppcls.data.preprocess)


def _add_newer_networks() -> None:
    import ppcls.arch

    add_newer(ppcls.arch)


def start_engine(mode: str):
    """Return the suite's engine for ``mode`` (train, eval or export), configured from the command line."""
    prepare()
    from ppcls.engine.engine import Engine
    from ppcls.utils import config as suite_config

    arguments = suite_config.parse_args()
    config = suite_config.get_config(arguments.config, overrides=arguments.override, show=False)
    # The training loop reads it without a default.
    config.profiler_options = arguments.profiler_options
    if mode == "train" and config["Global"]["device"] == "cpu":
        use_kernels()
    prepare_method(config, mode)
    engine = Engine(config, mode=mode)
    if mode == "train":
        attach(engine, config.get("Method"))
        if told := config.get(KEY):
            settle_before_evaluations(engine, told)
    return engine
