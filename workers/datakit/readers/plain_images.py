"""Images without labels: boxes will be drawn on them in the browser. Read only when a person chooses it."""

from __future__ import annotations

from array import array

from workers.contract.messages import msg
from workers.datakit.errors import InputError

from .listing import DETECTION, Listing, Sample
from .reading import Reading
from .splits import settled, split_of_path
from .upload import Upload


def read_plain_images(upload: Upload, reading: Reading) -> Listing:
    """Every image, without boxes; the person names the classes."""
    if not upload.images:
        raise InputError(msg("There are no images to draw on: pack JPEG, PNG, BMP, WebP, GIF or TIFF files."))
    samples = [Sample(entry, split=split_of_path(entry.path), boxes=array("d")) for entry in upload.images]
    samples, split_given = settled(samples, reading.findings, upload.options.split_of)
    return Listing("images without labels", [], samples, split_given, DETECTION)
