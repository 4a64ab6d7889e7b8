"""Uploads in the layouts that people publish, drawn anew, each with what its author meant.

Each function marked with ``layout`` draws one; the modules group them by the kind of labels. The words of
classes are drawn with the seed, so that another seed makes other uploads of the same kinds.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator

from .upload import Upload

MODULES = (
    "folders",
    "folder_twists",
    "sessions",
    "unlabelled",
    "masks",
    "tables",
    "table_twists",
    "not_the_truth",
    "partial_splits",
    "lists",
    "coco",
    "voc",
    "yolo",
    "labelme",
    "tools",
    "foreign_files",
    "public_classes",
    "public_twists",
    "public_boxes",
)


def makers() -> dict[str, Callable[[Upload], None]]:
    """Every maker of a layout by its name."""
    found: dict[str, Callable[[Upload], None]] = {}
    for module in MODULES:
        content = vars(importlib.import_module(f"{__name__}.{module}"))
        for name, make in content.items():
            if getattr(make, "is_layout", False):
                if name in found:
                    raise ValueError(f"two layouts are called {name}")
                found[name] = make
    return found


def uploads(seed: int = 0, only: str = "") -> Iterator[Upload]:
    """Draw the uploads whose names contain ``only``, one at a time."""
    for name, make in makers().items():
        if only in name:
            upload = Upload(name, seed)
            make(upload)
            yield upload
