"""The split that an upload gives by the names of its folders and files."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from workers.contract.messages import msg_n
from workers.contract.splits import SPLITS, TEST
from workers.datakit import names
from workers.datakit.findings import Findings

from .listing import Sample

SPLIT_WORDS = {
    "train": "train", "training": "train", "trainset": "train",
    "val": "val", "valid": "val", "validation": "val", "valset": "val", "eval": "val",
    "evaluation": "val", "test": "test", "testing": "test", "testset": "test",
    "训练": "train", "训练集": "train", "验证": "val", "验证集": "val", "测试": "test", "测试集": "test",
}  # fmt: skip
# train2017, instances_val.json, train-images; not "trainer" or "interval".
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")  # trainLabels
_WORD = re.compile(r"(?:^|[^a-z])(" + "|".join(SPLIT_WORDS) + r")(?:[^a-z]|$)")


@functools.lru_cache(maxsize=4096)
def split_of_path(path: str) -> str | None:
    """Return the split named by the last relevant part of ``path``: "train", "val", "test" or None."""
    for part in reversed(path.split("/")):
        found = _WORD.search(_CAMEL.sub("_", part).lower())
        if found:
            return SPLIT_WORDS[found[1]]
    return None


def pick_split(
    samples: list[Sample], findings: Findings, given_role: Callable[[str], str | None]
) -> tuple[list[Sample], bool]:
    """Return the samples to use, and whether the upload's own split is used.

    ``given_role`` returns the split that a person gave for an image's path, which takes precedence.

    The upload's split is used if it has training images and images to measure with. A test set without labels
    is left out. So are images in no split, unless they are at least half and no others are for training.
    """
    for sample in samples:
        sample.split = given_role(sample.entry.path) or sample.split
    samples = _without_unlabelled_test(samples, findings)
    sides = _rest_as_train(samples, findings)
    if "train" not in sides or len(sides - {None}) < 2:
        for sample in samples:
            sample.split = None
        return samples, False
    return [sample for sample in samples if _stays(sample, findings)], True


def _without_unlabelled_test(samples: list[Sample], findings: Findings) -> list[Sample]:
    """Leave out a test set without any boxes: a model cannot be measured on it."""
    test = [sample for sample in samples if sample.split == TEST]
    if not test or any(sample.boxes is None or sample.boxes for sample in test):
        return samples
    for sample in test:
        message = msg_n(
            "{count} image of the test set has no boxes and was left out.",
            "{count} images of the test set have no boxes and were left out.",
        )
        findings.add("info", "test-left-out", message, names.show(sample.entry.path))
    return [sample for sample in samples if sample.split != TEST]


def _rest_as_train(samples: list[Sample], findings: Findings) -> set[str | None]:
    """Return the splits in use; if only validation or test images are named, the others become training
    images if they are at least half.
    """
    rest = [sample for sample in samples if sample.split is None]
    sides = {sample.split for sample in samples}
    if not rest or len(sides) < 2 or "train" in sides or 2 * len(rest) < len(samples):
        return sides
    for sample in rest:
        sample.split = "train"
        message = msg_n(
            "Only validation or test images are named, so the other {count} image is for training.",
            "Only validation or test images are named, so the other {count} images are for training.",
        )
        findings.add("info", "rest-as-train", message, names.show(sample.entry.path))
    return sides - {None} | {"train"}


def _stays(sample: Sample, findings: Findings) -> bool:
    """Whether an image is used in a dataset with its own split: images without a split are left out."""
    if sample.split is None:
        message = msg_n(
            "{count} image is in no split of the upload and was left out.",
            "{count} images are in no split of the upload and were left out.",
        )
        findings.add("warn", "no-split", message, names.show(sample.entry.path))
    return sample.split is not None


def kept_split(one: str | None, other: str | None) -> str | None:
    """The split of an image that is listed for two: validation, never training."""
    return max(one, other, key=lambda split: SPLITS.index(split) if split else -1)
