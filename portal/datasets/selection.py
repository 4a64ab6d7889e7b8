"""Which of the upload's images make up the dataset, and on which side of the split each stands."""

from __future__ import annotations

import dataclasses
from array import array
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from . import classes, names
from .boxes import class_ids, on_image
from .checking import Checked
from .errors import InputError
from .findings import Findings
from .limits import Limits, human_bytes
from .options import Options
from .readers import CLASSIFICATION, DETECTION, Listing, Sample
from .split import stratified_split

_NO_BOXES = array("d")


@dataclasses.dataclass(slots=True)
class Image:
    """One image of the dataset: where it came from, its normalised file, its facts and its split.

    ``boxes`` are a detection set's, flat, in pixels of the normalised file; ``class_id`` is -1 there.
    """

    original: str
    class_id: int
    path: Path
    facts: Checked
    split: str
    boxes: array[float] | None = None


def wanted_samples(listing: Listing, limits: Limits, findings: Findings) -> list[Sample]:
    """Return the samples worth unpacking, by path, so that the order in the archive plays no part."""
    wanted = []
    for sample in sorted(listing.samples, key=lambda sample: names.natural_key(sample.entry.path)):
        if sample.entry.size > limits.max_file_bytes:
            message = f"{{count}} images are over {human_bytes(limits.max_file_bytes)} and were left out."
            findings.add("warn", "too-large", message, names.show(sample.entry.path))
        else:
            wanted.append(sample)
    return wanted


def select(
    listing: Listing,
    samples: list[Sample],
    paths: list[Path],
    facts: list[Checked],
    options: Options,
    findings: Findings,
) -> list[Image]:
    """Return the usable images with their split, ordered by class and content.

    The order makes equal content get equal file names in the staged folder, whatever the upload called
    them. Raises InputError when more than half do not decode, or a class is left with too few.
    """
    images = []
    dropped: Counter[int] = Counter()
    for sample, path, fact in zip(samples, paths, facts, strict=True):
        original = names.show(sample.entry.path)
        if fact.error is not None:
            message = "{count} images cannot be read and were left out."
            findings.add("warn", "undecodable", message, f"{original} {fact.error}")
            dropped[sample.class_id] += 1
            continue
        _report_conversion(fact, original, findings)
        boxes = None if sample.boxes is None else on_image(sample, fact, listing, findings)
        images.append(Image(sample.entry.path, sample.class_id, path, fact, sample.split or "", boxes))
    if dropped.total() * 2 > len(samples):
        examples = "; ".join(findings.examples("undecodable")[:3])
        raise InputError(
            f"{dropped.total()} of the {len(samples)} images cannot be read ({examples}): "
            "check that the files are whole and upload them again."
        )
    if listing.task == CLASSIFICATION:
        classes.check_class_sizes(listing.class_names, [image.class_id for image in images], dropped)
    _split(images, listing, options, findings)
    _report_copies(images, findings)
    return sorted(
        images, key=lambda i: (i.class_id, i.facts.sha256, i.split, i.boxes or _NO_BOXES, i.original)
    )


def _report_conversion(fact: Checked, original: str, findings: Findings) -> None:
    if fact.note is not None:
        message = "{count} images were converted to plain 8-bit pictures."
        findings.add("info", "converted", message, f"{original}: {fact.note}")
    if fact.dark:
        message = (
            "{count} 16-bit images use less than a sixteenth of their range and are nearly black in 8 bits."
        )
        findings.add("warn", "dark-16-bit", message, original)


def _split(images: list[Image], listing: Listing, options: Options, findings: Findings) -> None:
    class_ids = [image.class_id for image in images]
    if listing.split_given:
        if listing.task == DETECTION:
            return
        split = [image.split for image in images]
        classes.check_given_split(listing.class_names, class_ids, split, findings)
        return
    hashes = [image.facts.sha256 for image in images]
    originals = [image.original for image in images]
    drawn = stratified_split(class_ids, hashes, originals, options.val_fraction, options.seed)
    for image, side in zip(images, drawn, strict=True):
        image.split = side


def _report_copies(images: list[Image], findings: Findings) -> None:
    """Report pictures that lie in two classes, or on both sides of the split."""
    copies: dict[str, list[Image]] = defaultdict(list)
    for image in images:
        copies[image.facts.sha256].append(image)
    for same in copies.values():
        if len(same) == 1:
            continue
        shown = " = ".join(names.show(image.original) for image in same[:3])
        if len({image.class_id for image in same}) > 1:
            message = "{count} pictures lie in more than one class, so one of their labels is wrong."
            findings.add("warn", "copy-in-two-classes", message, shown)
        if len({image.split for image in same}) > 1:
            message = (
                "{count} pictures are trained on and measured with, so results look better than they are."
            )
            findings.add("warn", "copy-in-both-splits", message, shown)


def class_counts(images: list[Image], class_names: list[str]) -> list[dict[str, Any]]:
    """Return ``{"name", "train", "val", "total"}`` for each class, in the order of ids.

    For a detection set they count the images with a box of the class, and ``"boxes"`` counts its boxes.
    """
    counts: Counter[tuple[int, str]] = Counter()
    boxes: Counter[int] = Counter()
    for image in images:
        ids = None if image.boxes is None else class_ids(image.boxes)
        for class_id in {image.class_id} if ids is None else set(ids):
            counts[class_id, image.split] += 1
        boxes.update(ids or ())
    rows = []
    for class_id, name in enumerate(class_names):
        train, val = counts[class_id, "train"], counts[class_id, "val"]
        row = {"name": name, "train": train, "val": val, "total": train + val}
        rows.append({**row, "boxes": boxes[class_id]} if boxes else row)
    return rows
