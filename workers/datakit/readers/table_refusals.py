"""Table contents that are not a class per image: boxes, masks, texts, several classes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workers.contract.messages import msg
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError

FEW_ROWS, WORDS_OF_A_TEXT = 5, 4
_TAGS = ("tags", "attributes", "keywords")
_BRACKETS = re.compile(r"[\[(] ?-?[0-9.]{1,20}(?:[, ]{1,3}-?[0-9.]{1,20}){3} ?[\])]")
_SEVERAL = re.compile(r"[|;]")


def refuse_boxes(fields: Sequence[Sequence[str]], others: Sequence[int], table: Entry) -> None:
    """Raise InputError if a column holds a box in brackets, [5.0, 6.0, 20.0, 20.0]."""
    if any(sum(map(bool, map(_BRACKETS.fullmatch, fields[at]))) > len(fields[at]) / 2 for at in others):
        raise InputError(
            msg(
                "{file} holds boxes in brackets, which are not read: give their corners a column each (xmin, "
                "ymin, xmax, ymax) beside one of the class.",
                file=names.show(table.path),
            )
        )


def refuse_texts(values: Sequence[str], title: str, table: Entry) -> None:
    """Raise InputError if each image has a sentence of its own."""
    texts = sum(len(value.split()) >= WORDS_OF_A_TEXT for value in values)
    if len(values) >= FEW_ROWS and len(set(values)) == len(values) and texts > len(values) / 2:
        raise InputError(
            msg(
                "{file} gives each image a text of its own ({column}), and no class: choose the column of "
                "the class (label_column), or leave the table out.",
                file=names.show(table.path),
                column=names.show(title),
            )
        )


def run_lengths(fields: Sequence[Sequence[str]], others: Sequence[int], table: Entry) -> str | None:
    """Return a question if a column holds masks as run lengths, 29102 12 29346 24."""
    for at in others:
        filled = [value for value in fields[at] if value]
        runs = sum(_is_run_length(value) for value in filled)
        if filled and runs > len(filled) / 2:
            return msg(
                "{file} holds masks as run lengths, a segmentation set, which is not supported yet: choose "
                "the column (label_column) if images have one class each.",
                file=names.show(table.path),
            )
    return None


def _is_run_length(value: str) -> bool:
    numbers = value.split()
    return len(numbers) >= 4 and len(numbers) % 2 == 0 and all(map(str.isdigit, numbers))


def refuse_several(values: Sequence[str], titles: Sequence[str] | None, label: int, table: Entry) -> None:
    """Raise InputError if fields hold several classes each."""
    by_words = bool(titles) and titles[label].lower() in _TAGS
    parts = {value: value.split() if by_words else _SEVERAL.split(value) for value in set(values) if value}
    several = sorted(value for value, found in parts.items() if len(found) > 1)
    if len(several) > 0.1 * len(parts):
        raise InputError(
            msg(
                "{file} gives an image several classes ({example}), which is not supported yet: keep one "
                "class for each image.",
                file=names.show(table.path),
                example=names.show(several[0]),
            )
        )
