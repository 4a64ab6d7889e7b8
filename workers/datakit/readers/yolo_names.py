"""The class names of a YOLO dataset: from its YAML file, or from a text file with one name per line."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import yaml

from workers.contract.messages import msg
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .label_names import Labels, in_order, labels_in
from .reading import Reading
from .texts import by_suffix, read_text
from .upload import Upload

MAX_YAML_BYTES = 1024 * 1024
MAX_LOOKED_AT = 20
NAME_FILES = ("classes.txt", "obj.names", "classes.names", "coco.names", "voc.names", "data.names")


def configuration_of(upload: Upload) -> tuple[Entry, dict[str, Any]] | None:
    """Return the topmost YAML file with class names, and its content."""
    found = sorted(by_suffix(upload, ".yaml", ".yml"), key=lambda entry: (entry.path.count("/"), entry.path))
    for entry in found[:MAX_LOOKED_AT]:
        if entry.size > MAX_YAML_BYTES:
            continue
        try:
            content = yaml.safe_load(read_text(upload, entry, MAX_YAML_BYTES))
        except (yaml.YAMLError, ValueError, RecursionError):
            continue
        if isinstance(content, dict) and "names" in content:
            return entry, content
    return None


def class_names_of(upload: Upload, used: Collection[int], reading: Reading) -> dict[int, str]:
    """Return the class names by the ids that the boxes use."""
    configuration = upload.once(configuration_of)
    if configuration is None:
        labels = labels_in(upload, NAME_FILES, set(used))
    else:
        labels = _configured(*configuration, set(used), upload.options.ids_from, reading.findings)
    for sentence in labels.doubts:
        reading.doubt(sentence)
    if labels.ids_from is not None:
        reading.used["ids_from"] = labels.ids_from
    if labels.names is None:
        message = msg("No data.yaml or classes.txt names the classes, so they are called by their ids.")
        reading.findings.add("warn", "no-label-file", message)
        return {class_id: str(class_id) for class_id in sorted(used)}
    return labels.names


def _configured(
    entry: Entry, content: dict[str, Any], used: set[int], ids_from: int | None, findings: Findings
) -> Labels:
    shown = names.show(entry.path)
    found = _named(content["names"])
    if found is None:
        raise InputError(
            msg(
                "The names in {path} are no list of class names: write `names: [first, second]` with one "
                "name for each class id.",
                path=shown,
            )
        )
    if "nc" in content and content["nc"] != len(found):
        message = msg("{path} says another number of classes (nc) than it names.", path=shown)
        findings.add("warn", "class-count-differs", message)
    if isinstance(content["names"], dict):  # their own ids
        ids_from = 0
    return in_order(found, shown, used, ids_from)


def _named(value: Any) -> list[str] | None:
    """Return the names of a list, or of ids 0, 1, 2 … with names; None if it is neither.

    Only texts and numbers are converted to text: YAML's aliases can make endless lists from small files.
    """
    if isinstance(value, dict):
        if not all(isinstance(key, int) and 0 <= key < 100_000 for key in value):
            return None
        value = [value.get(index, str(index)) for index in range(max(value, default=-1) + 1)]
    if not isinstance(value, list) or not all(isinstance(name, str | int | float) for name in value):
        return None
    return [names.check_class_name(str(name).strip()) for name in value]
