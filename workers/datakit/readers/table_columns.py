"""Detects which columns of a table hold images, classes and the split, by their content.

Titles decide only between columns with suitable content: the column called ``id`` names images in one dataset
and individuals in another.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Sequence

from workers.contract.messages import join, msg
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError

from .addresses import path_of
from .finder import ImageFinder
from .folder_names import is_unlabelled
from .options import ReadingOptions
from .splits import SPLIT_WORDS
from .table_refusals import FEW_ROWS, refuse_boxes, refuse_several, refuse_texts, run_lengths
from .texts import folder_of

# What is inspected: rows to recognize a column by, fields of it to look up as images.
SAMPLE_ROWS, LOOKED_UP = 2000, 60
MAX_COLUMNS = 2000
_IMAGES = (
    "path", "filepath", "file_path", "filepaths", "image_path", "imagepath", "filename", "file_name", "file",
    "image", "image_name", "img", "image_id", "imageid", "id_code", "id", "name", "路径", "文件名", "图片",
    "照片",
)  # fmt: skip
_LABELS = (
    "label", "labels", "class", "class_name", "classname", "class_label", "category", "target", "choice",
    "species", "breed", "diagnosis", "dx", "disease", "y", "class-id", "classid", "class_id",
    "标签", "类别", "品种",
)  # fmt: skip
_SPLITS = ("split", "set", "subset", "partition", "data set", "dataset", "fold_name")
_IS_SPLIT = {"is_valid": "val", "is_val": "val", "is_validation": "val", "is_test": "test", "valid": "val"}
_GUESSES = re.compile(r"\b(predictions?|predicted|pred|confidence|scores?|prob(ability)?)\b")
_TRUE, _FALSE = ("1", "true", "1.0", "yes"), ("0", "false", "0.0", "no")


@dataclasses.dataclass(frozen=True, slots=True)
class Columns:
    """The positions of columns. Either ``label`` or ``one_hot`` is set. ``is_split`` is the split that a
    true value in the column ``split`` means, or None if the column holds the split's name.
    """

    image: int
    titles: list[str] | None
    label: int | None = None
    one_hot: tuple[int, ...] = ()
    split: int | None = None
    is_split: str | None = None
    doubt: str | None = None
    guesses: bool = False
    repeats: bool = True  # some class occurs in more than one row

    def title(self, column: int) -> str:
        """Return a column's title, or its number from 1 if there are no titles."""
        return self.titles[column] if self.titles is not None else str(column + 1)


def columns_of(
    rows: Sequence[list[str]], table: Entry, finder: ImageFinder, options: ReadingOptions
) -> Columns | None:
    """Detect the columns from the first rows; None if none names images.

    Raises InputError if one does and no column holds a class.
    """
    if not rows or len(rows[0]) > MAX_COLUMNS:
        return None
    image, has_titles = _image_column(rows, table, finder, options)
    if image is None:
        return None
    titles = rows[0] if has_titles else None
    fields = _fields(rows[1:] if has_titles else rows)
    if not fields or image >= len(fields):
        return None
    split, is_split = _split_column(titles, fields, image, options)
    guesses = any(_GUESSES.search(title.lower().replace("_", " ")) for title in titles or ())
    found = Columns(image, titles, split=split, is_split=is_split, guesses=guesses)
    return _with_labels(found, fields, table, options)


def _fields(rows: Sequence[list[str]]) -> list[list[str]]:
    """Return the values of each column."""
    width = Counter(len(row) for row in rows).most_common(1)[0][0] if rows else 0
    return [[row[at] for row in rows if len(row) > at] for at in range(width)]


def _image_column(
    rows: Sequence[list[str]], table: Entry, finder: ImageFinder, options: ReadingOptions
) -> tuple[int | None, bool]:
    """Return the column of images, and whether the first row has titles."""
    body = rows[1:] if len(rows) > 1 else rows
    fields = _fields(body)
    given = _given(options.image_column, rows[0])
    if given is not None:
        return given, not names_an_image(rows[0][given], table, finder)
    scores = [_image_score(values, table, finder) for values in fields]
    best = max(scores, default=0)
    if best <= 0:
        return None, False
    order = {title: at for at, title in enumerate(_IMAGES)}
    likely = [at for at, score in enumerate(scores) if score >= 0.9 * best and at < len(rows[0])]
    chosen = min(
        likely, key=lambda at: (order.get(rows[0][at].strip().lower(), len(order)), at), default=None
    )
    if chosen is None:
        return None, False
    first = rows[0][chosen]
    return chosen, not (names_an_image(first, table, finder) or names.is_image(path_of(first)))


def _image_score(values: Sequence[str], table: Entry, finder: ImageFinder) -> float:
    """Return how many of the first distinct values name images, those with a suffix counting double.

    Many values that each match several images count too: their folders are just unknown.
    """
    looked_at = list(dict.fromkeys(values))[:LOOKED_UP]
    several = sum(finder.has_several(path_of(value)) for value in looked_at)
    score = 1.0 * several if several >= FEW_ROWS else 0.0
    for value in looked_at:
        suffix = names.is_image(path_of(value)) if value else False
        score += 1.0 * suffix + 1.0 * (bool(value) and names_an_image(value, table, finder))
    return score


def names_an_image(value: str, table: Entry, finder: ImageFinder, split: str | None = None) -> bool:
    return image_of(value, table, finder, split) is not None


def image_of(value: str, table: Entry, finder: ImageFinder, split: str | None = None) -> Entry | None:
    """Return the image that a field names: by its path or URL, or by its name without suffix."""
    near, path = folder_of(table.path), path_of(value)
    return finder.find_anywhere(path, near, split) or finder.named(path, near, split)


def _given(wanted: str | None, first: Sequence[str]) -> int | None:
    """Return the column that a person named by its title, or by its number from 1."""
    if wanted is None:
        return None
    titles = [title.lower() for title in first]
    if wanted.lower() in titles:
        return titles.index(wanted.lower())
    if wanted.isascii() and wanted.isdigit() and 0 < int(wanted) <= len(first):
        return int(wanted) - 1
    raise InputError(msg("There is no column called {name} in the table.", name=names.show(wanted)))


def _split_column(
    titles: Sequence[str] | None, fields: Sequence[Sequence[str]], image: int, options: ReadingOptions
) -> tuple[int | None, str | None]:
    given = _given(options.split_column, titles or [""] * len(fields))
    if given is not None:
        return given, None
    for at, title in enumerate(titles or ()):
        meant = _IS_SPLIT.get(title.lower())
        if meant and at < len(fields) and _truths(fields[at]):
            return at, meant
    for at, values in enumerate(fields):
        found = {value.lower() for value in values}
        if at != image and len(found) > 1 and all(value in SPLIT_WORDS for value in found):
            return at, None
    for at, title in enumerate(titles or ()):
        if (
            title.lower() in _SPLITS
            and at < len(fields)
            and {v.lower() for v in fields[at]} & SPLIT_WORDS.keys()
        ):
            return at, None
    return None, None


def _truths(values: Sequence[str]) -> bool:
    return all(value.lower() in (*_TRUE, *_FALSE) for value in values if value)


def is_true(value: str) -> bool:
    return value.lower() in _TRUE


def _with_labels(
    found: Columns, fields: Sequence[Sequence[str]], table: Entry, options: ReadingOptions
) -> Columns | None:
    titles = found.titles
    given = _given(options.label_column, titles or [""] * len(fields))
    if given is not None:
        return dataclasses.replace(found, label=given)
    if options.one_hot and titles:
        return dataclasses.replace(found, one_hot=tuple(_given(name, titles) for name in options.one_hot))
    others = [at for at in range(len(fields)) if at not in (found.image, found.split)]
    known = [at for at in others if titles and titles[at].lower().replace(" ", "-") in _LABELS]
    likely = [at for at in others if _looks_like_label(fields[at], at in known or len(others) == 1)]
    chosen = [at for at in known if at in likely] or likely
    refuse_boxes(fields, others, table)
    one_hot = _one_hot(fields, others, titles)
    if one_hot and not [at for at in known if at in likely and at not in one_hot]:
        return _checked_one_hot(dataclasses.replace(found, one_hot=one_hot), fields, table)
    if not chosen:
        return _no_label(found, others, table)
    label, doubt = _one_label(chosen, fields, titles, table)
    refuse_texts(fields[label], found.title(label), table)
    doubt = doubt or run_lengths(fields, others, table)
    refuse_several(fields[label], titles, label, table)
    repeats = len(set(fields[label])) < len(fields[label])
    return dataclasses.replace(found, label=label, doubt=doubt, repeats=repeats)


def _looks_like_label(values: Sequence[str], sure: bool) -> bool:
    """Whether a column repeats a few values, and is neither a measurement nor a count."""
    filled = [value for value in values if value]
    kinds = set(filled)
    if not filled or _is_measured(kinds):
        return False
    return sure or 2 <= len(kinds) <= max(2, len(filled) // 2)


def _is_measured(kinds: set[str]) -> bool:
    """Whether the values are fractional numbers, such as ages, sizes and scores."""
    try:
        return any(float(value) % 1 for value in kinds)
    except ValueError:
        return False


def _one_hot(
    fields: Sequence[Sequence[str]], others: Sequence[int], titles: Sequence[str] | None
) -> tuple[int, ...]:
    """Return the columns of 0 and 1 (or -1 and 1), of which there must be at least two."""
    if not titles:
        return ()
    allowed = {*_TRUE, *_FALSE, "-1", ""}
    columns = [at for at in others if fields[at] and {value.lower() for value in fields[at]} <= allowed]
    columns = [at for at in columns if not is_unlabelled(titles[at])]
    marked = [at for at in columns if any(is_true(value) for value in fields[at])]
    return tuple(columns) if len(marked) > 1 else ()


def _checked_one_hot(found: Columns, fields: Sequence[Sequence[str]], table: Entry) -> Columns:
    rows = list(zip(*(fields[at] for at in found.one_hot), strict=False))
    single = sum(sum(map(is_true, row)) == 1 for row in rows)
    if single < 0.5 * len(rows):
        raise InputError(
            msg(
                "Most rows of {file} give an image several classes or none, which is not supported yet: keep "
                "one class for each image.",
                file=names.show(table.path),
            )
        )
    return found


def _one_label(
    chosen: Sequence[int], fields: Sequence[Sequence[str]], titles: Sequence[str] | None, table: Entry
) -> tuple[int, str | None]:
    """Return the column of classes and, if another one is possible too, a question.

    Between a class's number and its name, the name is used.
    """
    best = min(chosen, key=lambda at: (_is_numbers(fields[at]), at))
    others = [at for at in chosen if at != best and not _go_together(fields[best], fields[at])]
    if not others:
        return best, None
    shown = [titles[at] if titles else str(at + 1) for at in (best, *others)][:5]
    return best, msg(
        "{file} has several columns that could be the class ({columns}): choose one (label_column).",
        file=names.show(table.path),
        columns=join(map(names.show, shown), ", "),
    )


def _is_numbers(values: Sequence[str]) -> bool:
    return all(value.replace(".", "", 1).isdigit() for value in values if value)


def _go_together(one: Sequence[str], two: Sequence[str]) -> bool:
    pairs = set(zip(one, two, strict=False))
    return len(pairs) == len(set(one)) == len(set(two))


def _no_label(found: Columns, others: Sequence[int], table: Entry) -> None:
    """Raise InputError if none of the other columns can be the class; a list of images has none."""
    if not others:
        return None
    shown = [names.show(found.title(at)) for at in others[:5]]
    raise InputError(
        msg(
            "{file} names images, and no column of it says their class ({columns}): choose the column "
            "(label_column), or leave the table out.",
            file=names.show(table.path),
            columns=join(shown, ", "),
        )
    )
