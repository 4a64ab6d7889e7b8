"""Readers of dataset layouts, one module a layout.

A reader is a function ``(archive, findings) -> Listing | None``: None when the upload is not in its
layout, InputError when it is but cannot be used. A new layout is one module and one line in READERS.
"""

from __future__ import annotations

from portal.datasets import names
from portal.datasets.archive import ZipArchive
from portal.datasets.errors import InputError
from portal.datasets.findings import Findings

from .class_folders import read_class_folders
from .listing import Listing, Sample
from .paddlex_lists import read_paddlex_lists

__all__ = ["READERS", "Listing", "Sample", "read_layout"]

READERS = (read_paddlex_lists, read_class_folders)
_ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")


def read_layout(archive: ZipArchive, findings: Findings) -> Listing:
    """Return the first reader's answer; raise InputError when the upload holds no images at all."""
    _check_any_images(archive)
    for reader in READERS:
        listing = reader(archive, findings)
        if listing is not None:
            return listing
    raise InputError(
        "The layout of the zip was not understood: put the images of each class into a folder "
        "named after the class, or use PaddleX's train.txt, val.txt and label.txt."
    )


def _check_any_images(archive: ZipArchive) -> None:
    if any(names.is_image(entry.path) for entry in archive.entries):
        return
    for entry in archive.entries:
        if entry.path.lower().endswith(_ARCHIVES):
            raise InputError(
                f"The zip holds another archive ({names.show(entry.path)}) and no images: "
                "unpack that one and zip the images themselves."
            )
    raise InputError(
        "The zip holds no images: put JPEG, PNG, BMP, WebP, GIF or TIFF files into one folder per class."
    )
