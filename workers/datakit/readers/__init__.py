"""Readers of dataset layouts, one module a layout; README.md has a table of what each understands.

A new layout is one module and one line in FORMATS.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from workers.datakit import names
from workers.datakit.archive import Archive
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .class_folders import read_class_folders
from .coco import coco_files, read_coco
from .csv_table import csv_tables, read_csv
from .labelme import looks_like_labelme, read_labelme, read_labelme_boxes, read_labelme_flags
from .listing import CLASSIFICATION, DETECTION, Listing, Sample
from .paddlex_lists import looks_like_paddlex_lists, read_paddlex_lists
from .voc import looks_like_voc, read_voc
from .yolo import looks_like_yolo, read_yolo

__all__ = ["CLASSIFICATION", "DETECTION", "FORMATS", "LAYOUTS", "Listing", "Sample", "read_layout"]


@dataclasses.dataclass(frozen=True, slots=True)
class Format:
    """A layout: the word that chooses it, its name in sentences, and its two functions.

    ``evidence`` looks at the files and returns the path of one that speaks for the layout, or None; a
    layout without it is read only when it is chosen. ``read`` raises InputError for what cannot be used.
    """

    key: str
    name: str
    evidence: Callable[[Archive], str | None] | None
    read: Callable[[Archive, Findings], Listing]


def _first_coco(archive: Archive) -> str | None:
    return next((entry.path for entry in coco_files(archive)), None)


def _first_csv(archive: Archive) -> str | None:
    return next((entry.path for entry in csv_tables(archive)), None)


FOLDERS = Format("folders", "class folders", None, read_class_folders)
FORMATS = (
    Format("paddlex", "PaddleX lists", looks_like_paddlex_lists, read_paddlex_lists),
    Format("coco", "COCO", _first_coco, read_coco),
    Format("voc", "Pascal VOC", looks_like_voc, read_voc),
    Format("yolo", "YOLO", looks_like_yolo, read_yolo),
    Format("labelme", "LabelMe", looks_like_labelme, read_labelme),
    Format("labelme-boxes", "LabelMe boxes", None, read_labelme_boxes),
    Format("labelme-flags", "LabelMe flags", None, read_labelme_flags),
    Format("csv", "CSV", _first_csv, read_csv),
    FOLDERS,
)
LAYOUTS = {format.key: format for format in FORMATS}
_ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")


def read_layout(archive: Archive, findings: Findings, chosen: str | None = None) -> Listing:
    """Read the layout that the files speak for, or the ``chosen`` one; class folders when none does.

    Raises InputError when the upload holds no images, or files of two layouts and none is chosen.
    """
    found = [
        (format, path)
        for format in FORMATS
        if format.evidence is not None and (path := format.evidence(archive)) is not None
    ]
    _check_any_images(archive, {format.key for format, _ in found} | {chosen})
    if chosen is not None:
        return _chosen(LAYOUTS[chosen], {format.key for format, _ in found}).read(archive, findings)
    if len(found) > 1:
        shown = " and ".join(f"{format.name} ({names.show(path)})" for format, path in found)
        keys = " or ".join(format.key for format, _ in found)
        raise InputError(
            f"The upload can be read as {shown}: choose the layout {keys}, or leave the other files out."
        )
    return (found[0][0] if found else FOLDERS).read(archive, findings)


def _chosen(format: Format, found: set[str]) -> Format:
    if format is not FOLDERS and format.key.partition("-")[0] not in found:
        raise InputError(
            f"You chose the layout {format.key} and no file of the upload is in it: "
            "choose another one, or leave the layout empty to have it found."
        )
    return format


def _check_any_images(archive: Archive, layouts: set[str | None]) -> None:
    # LabelMe files may hold the images themselves.
    if any(names.is_image(entry.path) for entry in archive.entries) or any(
        layout and layout.startswith("labelme") for layout in layouts
    ):
        return
    for entry in archive.entries:
        if entry.path.lower().endswith(_ARCHIVES):
            raise InputError(
                f"The {archive.kind} holds another archive ({names.show(entry.path)}) and no images: "
                "unpack that one and pack the images themselves."
            )
    raise InputError(
        f"The {archive.kind} holds no images: put JPEG, PNG, BMP, WebP, GIF or TIFF files into one folder "
        "per class, or beside their annotations."
    )
