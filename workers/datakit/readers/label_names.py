"""The class names in PaddleX's label.txt, and in similar files of other formats."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from workers.contract.messages import msg, msg_n
from workers.datakit import names
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .texts import read_text
from .upload import Upload

MAX_ID = 100_000
# A first name whose id may be unused.
_BACKGROUND = frozenset({"background", "bg", "ignore", "none", "背景"})


@dataclasses.dataclass(slots=True)
class Labels:
    """The class names by id, or None if no file gives them. ``ids_from`` is 1 if ids start there without
    the file saying so; ``doubts`` are questions that only a person can answer.
    """

    names: dict[int, str] | None
    ids_from: int | None = None
    doubts: list[str] = dataclasses.field(default_factory=list)


def read_labels(
    text: str, shown_path: str, used: set[int] | None = None, ids_from: int | None = None
) -> Labels:
    """Return the class names of a label.txt: ``id name`` or ``name id`` lines, or one name per line.

    ``used`` are the ids in the lists, if known; ``ids_from`` is a person's option for the first id. Names may
    begin with numbers: whether the numbers can be ids decides. Raises InputError if the file is empty, or
    gives one id two names.
    """
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if not lines:
        raise InputError(msg("{file} is empty: write one line `id name` for each class.", file=shown_path))
    numbered = _numbered(lines, shown_path, used)
    if numbered is not None:
        return Labels(numbered)
    return in_order([names.check_class_name(line) for line in lines], shown_path, used, ids_from)


def in_order(
    named: Sequence[str], shown_path: str, used: set[int] | None = None, ids_from: int | None = None
) -> Labels:
    """Return class names by ids assigned in order, from 0 or from 1.

    They start at 1 if only then all used ids have a name. If another choice is as likely, it is a doubt.
    """
    begin = ids_from if ids_from is not None else _first_id(used, len(named))
    labels = Labels({index + begin: name for index, name in enumerate(named)}, begin or None)
    if ids_from is None and used:
        labels.doubts += _doubts(used, named, shown_path)
    return labels


def _numbered(lines: list[str], shown_path: str, used: set[int] | None) -> dict[int, str] | None:
    """Return {id: name} if each line has a possible id, in front or at the end; else None."""
    for behind in (False, True):
        pairs = [_id_and_name(line, behind) for line in lines]
        if None in pairs:
            continue
        ids = {class_id for class_id, _ in pairs}
        alike = len({name for _, name in pairs}) < len(ids)
        if not _can_be_ids(ids, used, behind) or (behind and alike):
            continue
        return _without_two_names(pairs, shown_path)
    return None


def _id_and_name(line: str, behind: bool) -> tuple[int, str] | None:
    words = line.rsplit(None, 1)[::-1] if behind else line.split(None, 1)
    if len(words) < 2 or not (words[0].isascii() and words[0].isdigit() and len(words[0]) < 10):
        return None
    return int(words[0]), names.check_class_name(words[1].strip())


def _can_be_ids(ids: set[int], used: set[int] | None, behind: bool) -> bool:
    """Whether the leading numbers can be ids: they are the used ones, or count from 0."""
    if used and not behind:
        return used <= ids or (min(ids) == 0 and bool(used & ids))
    return ids == set(range(len(ids))) if behind else min(ids) == 0


def _without_two_names(pairs: list[tuple[int, str]], shown_path: str) -> dict[int, str]:
    labels: dict[int, str] = {}
    for class_id, name in pairs:
        if labels.setdefault(class_id, name) != name:
            raise InputError(
                msg(
                    "{file} gives the id {id} to {first} and to {second}: give every class an id of its own.",
                    file=shown_path,
                    id=class_id,
                    first=repr(names.show(labels[class_id])),
                    second=repr(names.show(name)),
                )
            )
    return labels


def _first_id(used: set[int] | None, count: int) -> int:
    """Return the first id: 1 if 0 is unused and the last name would otherwise have no id."""
    return 1 if used and min(used) == 1 and max(used) == count else 0


def _doubts(used: set[int], named: Sequence[str], shown_path: str) -> list[str]:
    count = len(named)
    if _first_id(used, count) == 1:
        return []
    if max(used) >= count:
        return [
            msg_n(
                "{file} has {count} name and the ids go up to {last}: add the missing names, or say where "
                "ids begin (ids_from).",
                "{file} has {count} names and the ids go up to {last}: add the missing names, or say "
                "where ids begin (ids_from).",
                count,
                file=shown_path,
                last=max(used),
            )
        ]
    without_first = len(used) > 1 and used == set(range(1, count))
    if without_first and named[0].strip("_").lower() not in _BACKGROUND:
        return [
            msg(
                "No image has the id 0 of {file}: say whether ids begin at 0 or at 1 (ids_from).",
                file=shown_path,
            )
        ]
    return []


def labels_in(upload: Upload, file_names: Sequence[str], used: set[int] | None = None) -> Labels:
    """Return the class names of the topmost such file; without names if there is none."""
    found = [entry for entry in upload.files if entry.path.rpartition("/")[2].lower() in file_names]
    if not found:
        return Labels(None)
    entry = min(found, key=lambda entry: (entry.path.count("/"), entry.path))
    ids_from = upload.options.ids_from if used is not None else None
    labels = read_labels(read_text(upload, entry), names.show(entry.path), used, ids_from)
    if max(labels.names) >= MAX_ID:
        raise InputError(
            msg(
                "{path} has an id of {id}: number the classes from 0.",
                path=names.show(entry.path),
                id=max(labels.names),
            )
        )
    return labels


def named_in(upload: Upload, file_names: Sequence[str]) -> list[str]:
    """Return the class names of the topmost such file, by id; empty if there is none.

    Missing ids in between get their own number as name.
    """
    labels = labels_in(upload, file_names).names
    if labels is None:
        return []
    return [labels.get(class_id, str(class_id)) for class_id in range(max(labels) + 1)]


def named_classes(
    used_ids: set[int], names_by_id: dict[int, str] | None, findings: Findings
) -> tuple[list[str], dict[int, int]]:
    """Return the class names in order, and {id in the lists: position in that order}.

    Ids become positions without gaps. Classes without images are dropped.
    """
    if names_by_id is None:
        message = msg_n(
            "label.txt is missing, so the {count} class is named after its id.",
            "label.txt is missing, so the {count} classes are named after their ids.",
        )
        findings.add("warn", "no-label-file", message, count=len(used_ids))
    ordered = sorted(used_ids)
    class_names = []
    for class_id in ordered:
        name = (names_by_id or {}).get(class_id)
        if name is None:
            name = str(class_id)
            if names_by_id is not None:
                message = msg_n(
                    "The lists use {count} class id that label.txt does not name: add it there.",
                    "The lists use {count} class ids that label.txt does not name: add them to it.",
                )
                findings.add("error", "unnamed-ids", message, name)
        class_names.append(name)
    for class_id, name in sorted((names_by_id or {}).items()):
        if class_id not in used_ids:
            message = msg_n(
                "{count} class of label.txt has no images and was left out.",
                "{count} classes of label.txt have no images and were left out.",
            )
            findings.add("warn", "empty-classes", message, names.show(name))
    if ordered != list(range(len(ordered))):
        message = msg("The class ids are not 0, 1, 2 … without gaps, so they were renumbered in their order.")
        findings.add("info", "renumbered-ids", message, ", ".join(map(str, ordered[:10])))
    _refuse_equal_names(ordered, class_names)
    return class_names, {class_id: position for position, class_id in enumerate(ordered)}


def _refuse_equal_names(ids: list[int], class_names: list[str]) -> None:
    seen: dict[str, int] = {}
    for class_id, name in zip(ids, class_names, strict=True):
        if name in seen:
            raise InputError(
                msg(
                    "label.txt gives the name {name} to the ids {first} and {second}: give every class a "
                    "name of its own.",
                    name=repr(names.show(name)),
                    first=seen[name],
                    second=class_id,
                )
            )
        seen[name] = class_id
