"""Options for reading an upload, as text from forms and from the metadata of tus."""

from __future__ import annotations

from typing import Any

from workers.contract.messages import msg
from workers.datakit.errors import InputError

ROLES = ("class", "train", "val", "test", "part", "images", "masks", "ignored", "unlabelled")
TEXTS = ("as", "label_column", "image_column", "split_column")
LISTS = ("one_hot", "tables", "ignore")
NAMES = (*TEXTS, *LISTS, "ids_from", "roles")


def given(data: dict[str, Any]) -> dict[str, Any]:
    """The options that were given."""
    return {name: data[name] for name in NAMES if data.get(name) not in (None, "", [], {})}


def role_of(line: str) -> tuple[str, str]:
    """``seg_train=split:train`` or ``seg_train=train``: a folder and its role. Raises InputError."""
    folder, equals, role = line.rpartition("=")
    if not folder.strip() or not equals:
        raise InputError(msg("Write each role as folder=role, such as seg_train=train."))
    return folder.strip(), role.strip().removeprefix("split:")


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
