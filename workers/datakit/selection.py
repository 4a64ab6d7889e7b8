"""Selects the upload's images for the dataset, and assigns their splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from workers.contract.messages import join, msg, msg_n
from workers.contract.splits import TEST, VAL

from . import names
from .boxes import on_image
from .checking import Checked
from .errors import InputError
from .findings import Findings
from .index import ImageRow
from .limits import Limits, human_bytes
from .marks import mark
from .options import GIVEN, STRATIFIED, Options
from .readers import Listing, Sample
from .split import draw_from_training, draw_split


def wanted_samples(listing: Listing, limits: Limits, findings: Findings) -> list[Sample]:
    """Return the samples worth unpacking, sorted by path: their order in the archive does not matter."""
    wanted = []
    for sample in sorted(listing.samples, key=lambda sample: sample.entry.path):
        if sample.entry.size > limits.max_file_bytes:
            message = msg_n(
                "{count} image is over {max_file_bytes} and was left out.",
                "{count} images are over {max_file_bytes} and were left out.",
                0,
                max_file_bytes=human_bytes(limits.max_file_bytes),
            )
            findings.add("warn", "too-large", message, names.show(sample.entry.path))
        else:
            wanted.append(sample)
    return wanted


def select(
    listing: Listing, samples: list[Sample], checked: Iterable[Checked], findings: Findings
) -> tuple[list[ImageRow], Counter[int]]:
    """Return the usable images, and the number of unusable ones by class.

    An image's split is the upload's own, or "". Raises InputError if more than half cannot be decoded.
    """
    images = []
    dropped: Counter[int] = Counter()
    for sample, facts in zip(samples, checked, strict=True):
        if facts.error is not None:
            _report_unreadable(sample, facts, findings)
            dropped[sample.class_id] += 1
            continue
        images.append(_row(sample, facts, listing))
    if dropped.total() > len(images):
        examples = [*findings.texts("undecodable"), *findings.texts("truncated")][:3]
        raise InputError(
            msg(
                "{dropped} of the {samples} images cannot be read ({examples}): check that the "
                "files are whole and upload them again.",
                dropped=dropped.total(),
                samples=len(samples),
                examples=join(examples, "; "),
            )
        )
    return images, dropped


def assign_splits(images: list[ImageRow], listing: Listing, options: Options, findings: Findings) -> str:
    """Assign each image its split by the options or the upload; return the SPLIT_METHODS entry that was used.

    Raises InputError if the upload gives no such split, or if groups leave no choice.
    """
    split = options.split or (GIVEN if listing.split_given else STRATIFIED)
    if split == GIVEN and not listing.split_given:
        raise InputError(
            msg(
                "You chose the split that the upload gives, and it gives none: name its folders or "
                "lists train and val, or choose another split."
            )
        )
    if split == GIVEN:
        _complete(images, options, findings)
    else:
        draw_split(images, options.shares, options.seed, options.split_group)
    return split


def _complete(images: list[ImageRow], options: Options, findings: Findings) -> None:
    """Draw missing splits from the training images: validation and, if requested, test."""
    there, seed = {image.split for image in images}, options.seed
    if VAL not in there:
        message = msg_n(
            "The upload has no validation split: {count} training image was drawn for it, seed {seed}.",
            "The upload has no validation split: {count} training images were drawn for it, seed {seed}.",
            0,
            seed=seed,
        )
        drawn = draw_from_training(images, VAL, options.shares.val, seed)
        findings.add("info", "val-drawn", message, count=drawn)
    if TEST not in there and options.shares.test:
        message = msg_n(
            "The upload has no test split: {count} training image was drawn for it, seed {seed}.",
            "The upload has no test split: {count} training images were drawn for it, seed {seed}.",
            0,
            seed=seed,
        )
        drawn = draw_from_training(images, TEST, options.shares.test, seed)
        findings.add("info", "test-drawn", message, count=drawn)


def _report_unreadable(sample: Sample, facts: Checked, findings: Findings) -> None:
    text = join([names.show(sample.entry.path), facts.error])
    if "truncated" in facts.error:  # Pillow's text
        message = msg_n(
            "{count} image is truncated and was left out.",
            "{count} images are truncated and were left out.",
        )
        findings.add("warn", "truncated", message, text)
    else:
        findings.add(
            "warn",
            "undecodable",
            msg_n(
                "{count} image cannot be read and was left out.",
                "{count} images cannot be read and were left out.",
            ),
            text,
        )


def _row(sample: Sample, facts: Checked, listing: Listing) -> ImageRow:
    measures = facts.measures
    image = ImageRow(
        original=sample.entry.path,
        sha256=facts.sha256,
        pack=facts.place.pack,
        start=facts.place.start,
        size=facts.size,
        suffix=facts.suffix,
        width=facts.width,
        height=facts.height,
        split=sample.split or "",
        class_id=sample.class_id,
        note=facts.note,
        thumb_start=facts.place.thumb_start,
        thumb_size=facts.place.thumb_size,
        brightness=measures.brightness,
        contrast=measures.contrast,
        sharpness=measures.sharpness,
        dhash=measures.dhash,
        gray=measures.gray,
    )
    if facts.note is not None:
        mark(image, "converted", facts.note)
    if facts.dark:
        mark(image, "dark-16-bit")
    if sample.boxes is not None:
        image.boxes = on_image(image, sample, facts.orientation, listing)
    return image
