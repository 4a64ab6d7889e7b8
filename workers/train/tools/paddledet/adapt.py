"""Adapts ppdet 2.6.0 of the package index to Paddle 3 and PaddleX 3.7.

Each launcher calls ``prepare()`` before it uses ppdet. The suite on disk is not changed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import types

LANES = {
    "imgaug": ("imgaug.augmenters", "imgaug.augmentables.lines", "imgaug.augmentables.segmaps"),
    "shapely": ("shapely.geometry",),
}


def prepare() -> None:
    """Make ppdet importable from the working directory, which PaddleX sets to the suite, and patch it."""
    sys.path.insert(0, os.getcwd())
    _leave_out_lanes()
    _name_the_dataset()
    _pad_boxes()
    _average_over_something()


def _leave_out_lanes() -> None:
    """Upstream imports packages for lane detection that the environment lacks."""
    for package, modules in LANES.items():
        for name in (package, *modules) if importlib.util.find_spec(package) is None else ():
            module = types.ModuleType(name)
            module.__getattr__ = lambda name: None
            sys.modules[name] = module


def _name_the_dataset() -> None:
    """PaddleX names the dataset class COCODetDataset, which ppdet has only upstream."""
    from ppdet.data import source

    class COCODetDataset(source.COCODataSet):
        """Images and boxes in COCO format."""

    source.COCODetDataset = COCODetDataset


def _pad_boxes() -> None:
    """Give the assigners batches that they can handle.

    They combine class ids of 32 bits with anchor numbers of 64, which Paddle 3 refuses; and for a batch
    without any box they return too few values. Such a batch gets one box per image, which the mask excludes.
    """
    import numpy
    from ppdet.data.transform import PadGT

    own = PadGT.__call__

    def pad(self, samples, context=None):
        samples = own(self, samples, context)
        for sample in samples:
            if not len(sample["gt_bbox"]):
                nothing = {"gt_bbox": (1, 4), "gt_class": (1, 1), "pad_gt_mask": (1, 1)}
                sample.update({key: numpy.zeros(shape, "float32") for key, shape in nothing.items()})
            sample["gt_class"] = sample["gt_class"].astype("int64")
        return samples

    PadGT.__call__ = pad


def _average_over_something() -> None:
    """Make batches without boxes train the background: ppdet divides its losses by the sum of scores.

    That sum is 0 for background images, and for boxes that no anchor fits yet.
    """
    import paddle
    from ppdet.modeling.heads import PicoHeadV2
    from ppdet.modeling.losses.varifocal_loss import VarifocalLoss

    own_loss, own_losses = VarifocalLoss.forward, PicoHeadV2.get_loss

    def forward(self, scores, targets, weight=None, avg_factor=None):
        self.sum_of_scores = float(avg_factor)
        average = avg_factor if self.sum_of_scores else paddle.ones([])
        return own_loss(self, scores, targets, weight, average)

    def get_loss(self, head_outs, gt_meta):
        losses = own_losses(self, head_outs, gt_meta)
        if not self.loss_vfl.sum_of_scores:
            losses.update(loss_bbox=paddle.zeros([]), loss_dfl=paddle.zeros([]))
        return losses

    VarifocalLoss.forward, PicoHeadV2.get_loss = forward, get_loss


def read_arguments() -> tuple[dict, argparse.Namespace]:
    """Return the configuration and the arguments with which PaddleX starts a launcher; set the device."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-c", "--config", required=True)
    parser.add_argument("--resume", help="a checkpoint, without suffix")
    parser.add_argument("--output_dir")
    arguments, _ = parser.parse_known_args()

    import paddle
    from ppdet.core.workspace import load_config

    config = load_config(arguments.config)
    paddle.set_device("gpu" if config["use_gpu"] else "cpu")
    return config, arguments
