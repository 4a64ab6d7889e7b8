"""Boxes in memory: flat in an array, five numbers per box: class id, left, top, width, height."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence


def rows(flat: array[float]) -> list[list[float]]:
    """Return flat boxes as ``[class id, left, top, width, height]``, whole numbers as integers."""
    whole = [int(value) if value.is_integer() else value for value in flat]
    return [whole[start : start + 5] for start in range(0, len(whole), 5)]


def class_ids(flat: array[float]) -> list[int]:
    return [int(class_id) for class_id in flat[::5]]


def hash_text(flat: array[float], class_names: Sequence[str]) -> str:
    """Return the text of an image's boxes for the content hash: it does not depend on class ids."""
    named = sorted([class_names[box[0]], *box[1:]] for box in rows(flat))
    return json.dumps(named, ensure_ascii=False, separators=(",", ":"))
