"""The names of classes in PaddleX's label.txt, and in the like files of other layouts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workers.datakit import names
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .texts import read_text
from .upload import Upload

MAX_ID = 100_000

_ID_AND_NAME = re.compile(r"^\s*([0-9]{1,9})[ \t]+(\S.*)$")


def read_labels(text: str, shown_path: str) -> dict[int, str]:
    """Return {class id: class name} of a label.txt: ``id name`` lines, or one name a line.

    Raises InputError when it is empty, or gives one id two names.
    """
    lines = [line.rstrip("\r\n") for line in text.split("\n")]
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise InputError(f"{shown_path} is empty: write one line `id name` for each class.")
    matches = [_ID_AND_NAME.match(line) for line in lines]
    if not all(matches):
        return {index: names.check_class_name(line.strip()) for index, line in enumerate(lines)}
    labels: dict[int, str] = {}
    for match in matches:
        class_id, name = int(match[1]), names.check_class_name(match[2])
        if labels.setdefault(class_id, name) != name:
            raise InputError(
                f"{shown_path} gives the id {class_id} to {names.show(labels[class_id])!r} and to "
                f"{names.show(name)!r}: give every class an id of its own."
            )
    return labels


def named_in(upload: Upload, file_names: Sequence[str]) -> list[str]:
    """Return the class names of the topmost file so called, by their ids; empty when there is none.

    Ids between others that have no name are their own.
    """
    found = [entry for entry in upload.entries if entry.path.rpartition("/")[2].lower() in file_names]
    if not found:
        return []
    entry = min(found, key=lambda entry: (entry.path.count("/"), entry.path))
    labels = read_labels(read_text(upload, entry), names.show(entry.path))
    if max(labels) >= MAX_ID:
        raise InputError(f"{names.show(entry.path)} has an id of {max(labels)}: number the classes from 0.")
    return [labels.get(class_id, str(class_id)) for class_id in range(max(labels) + 1)]


def named_classes(
    used_ids: set[int], names_by_id: dict[int, str] | None, findings: Findings
) -> tuple[list[str], dict[int, int]]:
    """Return the class names in their order, and {id in the lists: position in that order}.

    Ids become positions without gaps. Classes that no image uses are left out.
    """
    if names_by_id is None:
        message = "label.txt is missing, so the {count} classes are named after their ids."
        findings.add("warn", "no-label-file", message, count=len(used_ids))
    ordered = sorted(used_ids)
    class_names = []
    for class_id in ordered:
        name = (names_by_id or {}).get(class_id)
        if name is None:
            name = str(class_id)
            if names_by_id is not None:
                message = "The lists use {count} class ids that label.txt does not name: add them to it."
                findings.add("block", "unnamed-ids", message, name)
        class_names.append(name)
    for class_id, name in sorted((names_by_id or {}).items()):
        if class_id not in used_ids:
            message = "{count} classes of label.txt have no images and were left out."
            findings.add("warn", "empty-classes", message, names.show(name))
    if ordered != list(range(len(ordered))):
        message = "The class ids are not 0, 1, 2 … without gaps, so they were renumbered in their order."
        findings.add("info", "renumbered-ids", message, ", ".join(map(str, ordered[:10])))
    _refuse_equal_names(ordered, class_names)
    return class_names, {class_id: position for position, class_id in enumerate(ordered)}


def _refuse_equal_names(ids: list[int], class_names: list[str]) -> None:
    seen: dict[str, int] = {}
    for class_id, name in zip(ids, class_names, strict=True):
        if name in seen:
            raise InputError(
                f"label.txt gives the name {names.show(name)!r} to the ids {seen[name]} and {class_id}: "
                "give every class a name of its own."
            )
        seen[name] = class_id
