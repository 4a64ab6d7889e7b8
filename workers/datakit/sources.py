"""Images that came back from a device: which one, when, and the release that had predicted them there.

It is the text of the mark ``from-board``, which stays with an image in later versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from workers.contract.messages import Message, msg

from .index import ImageRow
from .marks import FROM_BOARD, mark

FIELDS = ("device", "taken_at", "release")
MOST = 1000  # images of one upload with a source
LONGEST = 200  # characters of a field


def checked(given: Any) -> dict[str, dict[str, str]]:
    """The option ``sources``: by path in the upload, the fields above. Anything else is left out."""
    if not isinstance(given, dict):
        return {}
    rows = list(given.items())[:MOST]
    return {
        path: {name: str(source[name])[:LONGEST] for name in FIELDS}
        for path, source in rows
        if isinstance(source, dict) and all(source.get(name) for name in FIELDS)
    }


def note(images: Iterable[ImageRow], sources: Mapping[str, dict[str, str]]) -> None:
    """Mark the images of an upload that came from a device."""
    for image in images:
        if source := sources.get(image.original):
            mark(image, FROM_BOARD, msg("{device} at {taken_at}, release {release}", **source))


def of(image: ImageRow) -> dict[str, str] | None:
    """Where an image came from: ``device``, ``taken_at`` (ISO 8601) and ``release``; None if not a device."""
    text = image.marks.get(FROM_BOARD)
    if not isinstance(text, Message):
        return None
    return {name: str(text.params.get(name, "")) for name in FIELDS}
