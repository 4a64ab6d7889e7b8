"""Images without labels, to be labelled in the browser. Read only if a person chooses it."""

from __future__ import annotations

from array import array

from workers.contract.messages import msg
from workers.datakit.errors import InputError

from .listing import CLASSIFICATION, DETECTION, Listing, Sample
from .reading import Reading
from .splits import pick_split, split_of_path
from .upload import Upload


def read_plain_images(upload: Upload, reading: Reading) -> Listing:
    """Every image, without boxes; the person names the classes."""
    return _listed(upload, reading, DETECTION)


def read_unsorted_images(upload: Upload, reading: Reading) -> Listing:
    """Every image, without a class; the person names the classes."""
    return _listed(upload, reading, CLASSIFICATION)


def _listed(upload: Upload, reading: Reading, task: str) -> Listing:
    if not upload.images:
        raise InputError(msg("There are no images to label: pack JPEG, PNG, BMP, WebP, GIF or TIFF files."))
    samples = [
        Sample(entry, split=split_of_path(entry.path), boxes=array("d") if task == DETECTION else None)
        for entry in upload.images
    ]
    samples, split_given = pick_split(samples, reading.findings, upload.options.split_of)
    return Listing("images without labels", [], samples, split_given, task)
