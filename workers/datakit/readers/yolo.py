"""YOLO, as versions 5 to 11 and Darknet lay it out: a text file for each image, a box a line.

A line is ``<class id> <centre x> <centre y> <width> <height>`` in parts of the image's size.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import yaml

from workers.contract.messages import msg
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .boxed import Box, BoxedImages, around, number
from .label_names import named_in
from .listing import Listing
from .reading import Reading
from .splits import split_of_path
from .texts import by_suffix, folder_of, read_text, stem
from .upload import Upload

LAYOUT = "YOLO"
MAX_LABEL_BYTES = 4 * 1024 * 1024
MAX_YAML_BYTES = 1024 * 1024
MAX_LOOKED_AT = 20
_NAME_FILES = ("classes.txt", "obj.names", "classes.names", "coco.names", "voc.names", "data.names")
_NOT_LABELS = {*_NAME_FILES, "train.txt", "val.txt", "test.txt", "label.txt", "labels.txt"}


def looks_like_yolo(upload: Upload) -> str | None:
    """Return the path of a data.yaml, or of a text file beside an image that holds a box."""
    configuration = _configuration(upload)
    if configuration is not None and "train" in configuration[1]:
        return configuration[0].path
    looked_at = 0
    for label in _pairs(upload).values():
        words = _label_text(upload, label).split("\n", 1)[0].split() if label.size <= MAX_LABEL_BYTES else []
        if len(words) >= 5 and all(number(word) == number(word) for word in words):
            return label.path
        looked_at += bool(label.size)
        if looked_at >= MAX_LOOKED_AT:
            break
    return _orphan_label(upload) if not looked_at else None


def _orphan_label(upload: Upload) -> str | None:
    """Return the path of a label file in a folder of labels that belongs to no image, where none does."""
    for label in itertools.islice(_labels(upload), MAX_LOOKED_AT):
        if "labels" in folder_of(label.path).lower().split("/") and label.size <= MAX_LABEL_BYTES:
            words = _label_text(upload, label).split("\n", 1)[0].split()
            if len(words) == 5 and all(number(word) == number(word) for word in words):
                return label.path
    return None


def read_yolo(upload: Upload, reading: Reading) -> Listing:
    findings = reading.findings
    class_names = _class_names(upload, findings)
    images = BoxedImages(findings)
    pairs = _pairs(upload)
    if not pairs:
        _refuse_orphans(upload)
    listed = _listed_splits(upload)
    used: set[int] = set()
    for entry in upload.entries:
        if not names.is_image(entry.path):
            continue
        label = pairs.get(_key(entry.path))
        boxes = _boxes(upload, label, class_names, findings, used) if label is not None else ()
        split = split_of_path(folder_of(entry.path)) or listed.get(entry.path.rpartition("/")[2])
        images.add(entry, split, boxes)
    _report_orphans(upload, pairs, findings)
    if class_names and used and min(used) == 1 and max(used) == len(class_names):
        reading.doubt(
            msg(
                "The class ids of the labels are 1 to {last} and there are {last} names: they have to begin "
                "at 0. Subtract 1 from each, or put a name for the id 0 first.",
                last=len(class_names),
            )
        )
    order = class_names if class_names is not None else sorted(images.used, key=names.natural_key)
    return images.listing(upload, LAYOUT, order, fractions=True, upright=True)


def _key(path: str) -> str:
    """Return what an image and its label file share: the path without suffix and images/ or labels/."""
    folders, _, name = path.rpartition("/")
    parts = [part for part in folders.lower().split("/") if part not in ("images", "labels")]
    return "/".join([*parts, stem(name).casefold()])


def _pairs(upload: Upload) -> dict[str, Entry]:
    """Return {key of an image: its label file}."""
    labels = {_key(entry.path): entry for entry in _labels(upload)}
    if not labels:
        return {}
    keys = {_key(entry.path) for entry in upload.entries if names.is_image(entry.path)}
    return {key: entry for key, entry in labels.items() if key in keys}


def _labels(upload: Upload) -> Iterator[Entry]:
    for entry in by_suffix(upload, ".txt"):
        if entry.path.rpartition("/")[2].lower() not in _NOT_LABELS:
            yield entry


def _refuse_orphans(upload: Upload) -> None:
    """Raise InputError where there are label files and none has the name of an image."""
    orphans = [entry for entry in _labels(upload) if "labels" in folder_of(entry.path).lower().split("/")]
    if orphans and upload.images:
        raise InputError(
            msg(
                "{count} label files in {folder}/ belong to no image: a label file has the name of its "
                "image, and {label} and {image} differ. Rename them.",
                count=len(orphans),
                folder=names.show(folder_of(orphans[0].path)),
                label=names.show(orphans[0].path.rpartition("/")[2]),
                image=names.show(upload.images[0].path.rpartition("/")[2]),
            )
        )


def _report_orphans(upload: Upload, pairs: dict[str, Entry], findings: Findings) -> None:
    paired = {entry.path for entry in pairs.values()}
    for entry in _labels(upload):
        if entry.path not in paired and "labels" in folder_of(entry.path).lower().split("/"):
            message = msg("{count} label files belong to no image of the upload.")
            findings.add("warn", "annotations-without-image", message, names.show(entry.path))


def _configuration(upload: Upload) -> tuple[Entry, dict[str, Any]] | None:
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


def _class_names(upload: Upload, findings: Findings) -> list[str] | None:
    configuration = _configuration(upload)
    if configuration is None:
        named = named_in(upload, _NAME_FILES)
        if not named:
            message = msg("No data.yaml or classes.txt names the classes, so they are called by their ids.")
            findings.add("warn", "no-label-file", message)
        return named or None
    entry, content = configuration
    found = _named(content["names"])
    if found is None:
        raise InputError(
            msg(
                "The names in {path} are no list of class names: write `names: [first, second]` with one "
                "name for each class id.",
                path=names.show(entry.path),
            )
        )
    if "nc" in content and content["nc"] != len(found):
        message = msg(
            "{path} says another number of classes (nc) than it names.", path=names.show(entry.path)
        )
        findings.add("warn", "class-count-differs", message)
    return found


def _named(value: Any) -> list[str] | None:
    """Return the names of a list, or of ids 0, 1, 2 … with names; None when it is neither.

    Only texts and numbers are turned into text: YAML's aliases make small files of endless lists.
    """
    if isinstance(value, dict):
        if not all(isinstance(key, int) and 0 <= key < 100_000 for key in value):
            return None
        value = [value.get(index, str(index)) for index in range(max(value, default=-1) + 1)]
    if not isinstance(value, list) or not all(isinstance(name, str | int | float) for name in value):
        return None
    return [names.check_class_name(str(name).strip()) for name in value]


def _boxes(
    upload: Upload, label: Entry, class_names: list[str] | None, findings: Findings, used: set[int]
) -> Iterator[Box]:
    """Yield the boxes of a label file, and note in ``used`` which class ids it has."""
    for line in _label_text(upload, label).splitlines():
        words = line.split()
        if not words:
            continue
        shown = names.show(f"{label.path}: {line.strip()}")
        class_id = number(words[0])
        if len(words) < 5 or not class_id.is_integer():
            message = msg("{count} lines of label files are not `class x y width height` and were left out.")
            findings.add("warn", "bad-lines", message, shown)
            continue
        used.add(int(class_id))
        if not 0 <= class_id < (len(class_names) if class_names is not None else 100_000):
            message = msg(
                "{count} boxes have a class id that no name belongs to, and were left out: name it."
            )
            findings.add("error", "class-id-out-of-range", message, shown)
            continue
        name = class_names[int(class_id)] if class_names is not None else str(int(class_id))
        yield (name, *_place([number(word) for word in words[1:]], shown, findings))


def _label_text(upload: Upload, label: Entry) -> str:
    """Return numbers as text; what is no text makes bad lines, and one bad file no bad upload."""
    return upload.read(label, MAX_LABEL_BYTES).decode("utf-8-sig", "replace")


def _place(numbers: list[float], shown: str, findings: Findings) -> tuple[float, float, float, float]:
    if len(numbers) >= 6 and len(numbers) % 2 == 0:
        message = msg("{count} outlines (or turned boxes) were replaced by the upright box around each.")
        findings.add("info", "outlines-boxed", message, shown)
        return around(zip(numbers[::2], numbers[1::2], strict=True))
    if len(numbers) > 4:
        message = msg("{count} boxes have a number after the height (a score?), which was left out.")
        findings.add("info", "scores-left-out", message, shown)
    x, y, width, height = numbers[:4]
    return x - width / 2, y - height / 2, width, height


def _listed_splits(upload: Upload) -> dict[str, str]:
    """Return {image's file name: split} of train.txt, val.txt and test.txt, as Darknet has them."""
    listed: dict[str, str] = {}
    for side in ("test", "train", "val"):
        for entry in by_suffix(upload, f"{side}.txt"):
            if entry.path.rpartition("/")[2].lower() == f"{side}.txt":
                for line in read_text(upload, entry).splitlines():
                    if names.is_image(line.strip()):
                        listed[names.normal_separators(line.strip()).rpartition("/")[2]] = side
    return listed
