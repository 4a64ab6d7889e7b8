"""The split that an upload gives by the names of its folders and files."""

from __future__ import annotations

import re

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
_WORD = re.compile(r"(?:^|[^a-z])(" + "|".join(SPLIT_WORDS) + r")(?:[^a-z]|$)")


def split_of_path(path: str) -> str | None:
    """Return the split that the last telling part of ``path`` names: "train", "val", "test" or None."""
    for part in reversed(path.lower().split("/")):
        found = _WORD.search(part)
        if found:
            return SPLIT_WORDS[found[1]]
    return None


def settled(samples: list[Sample], findings: Findings) -> tuple[list[Sample], bool]:
    """Return the samples to use and whether their split is the upload's own.

    It is when every one has a side and there is something to train on and something to measure with. A
    test set is left out beside a validation set and stands in for it otherwise.
    """
    sides = {sample.split for sample in samples}
    if None in sides or "train" not in sides or len(sides) < 2:
        for sample in samples:
            sample.split = None
        return samples, False
    kept = []
    for sample in samples:
        if sample.split == "test":
            shown = names.show(sample.entry.path)
            if "val" in sides:
                message = "{count} images of the test set were left out: only train and val are used."
                findings.add("info", "test-left-out", message, shown)
                continue
            message = "There is no validation set, so the {count} images of the test set stand in for it."
            findings.add("info", "test-as-val", message, shown)
            sample.split = "val"
        kept.append(sample)
    return kept, True
