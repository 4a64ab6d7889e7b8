"""The formats that are read. A new one is a module and a line in FORMATS."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from .class_folders import read_class_folders
from .coco import coco_files, read_coco
from .csv_table import csv_tables, read_csv
from .labelme import looks_like_labelme, read_labelme, read_labelme_boxes, read_labelme_flags
from .listing import Listing
from .paddlex_lists import looks_like_paddlex_lists, read_paddlex_lists
from .reading import Reading
from .upload import Upload
from .voc import looks_like_voc, read_voc
from .yolo import looks_like_yolo, read_yolo


@dataclasses.dataclass(frozen=True, slots=True)
class Format:
    """A format: the word that chooses it, its name in sentences, and its two functions.

    ``evidence`` looks at the files and returns the path of one that speaks for the format, or None; a format
    without it is read only when it is chosen. ``read`` fills the reading and returns what it makes of the
    upload; it raises InputError only where nothing at all can be read this way. ``holds_images``: the
    annotations may hold the images themselves.
    """

    key: str
    name: str
    evidence: Callable[[Upload], str | None] | None
    read: Callable[[Upload, Reading], Listing]
    holds_images: bool = False


def _first_coco(upload: Upload) -> str | None:
    return next((entry.path for entry in coco_files(upload)), None)


def _first_csv(upload: Upload) -> str | None:
    return next((entry.path for entry in csv_tables(upload)), None)


FOLDERS = Format("folders", "class folders", None, read_class_folders)
FORMATS = (
    Format("paddlex", "PaddleX lists", looks_like_paddlex_lists, read_paddlex_lists),
    Format("coco", "COCO", _first_coco, read_coco),
    Format("voc", "Pascal VOC", looks_like_voc, read_voc),
    Format("yolo", "YOLO", looks_like_yolo, read_yolo),
    Format("labelme", "LabelMe", looks_like_labelme, read_labelme, holds_images=True),
    Format("labelme-boxes", "LabelMe boxes", None, read_labelme_boxes, holds_images=True),
    Format("labelme-flags", "LabelMe flags", None, read_labelme_flags, holds_images=True),
    Format("csv", "CSV", _first_csv, read_csv),
    FOLDERS,
)
LAYOUTS = {format.key: format for format in FORMATS}
