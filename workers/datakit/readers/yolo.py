"""YOLO, in the format of versions 5 to 11 and Darknet: one text file per image, one box per line.

A line is ``<class id> <centre x> <centre y> <width> <height>`` as fractions of the image's size.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

from workers.contract.messages import msg_n
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .boxed import Box, BoxedImages, around, number
from .label_names import MAX_ID
from .listing import Listing
from .noticed import outline_boxed
from .reading import Reading
from .splits import split_of_path
from .texts import by_suffix, folder_of, read_text, stem
from .upload import Upload
from .yolo_names import NAME_FILES, class_names_of, configuration_of

LAYOUT = "YOLO"
MAX_LABEL_BYTES = 4 * 1024 * 1024
MAX_LOOKED_AT = 20
_NOT_LABELS = {*NAME_FILES, "train.txt", "val.txt", "test.txt", "label.txt", "labels.txt"}


def looks_like_yolo(upload: Upload) -> str | None:
    """Return the path of a data.yaml, or of a text file beside an image that contains a box."""
    configuration = upload.once(configuration_of)
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
    """Return the path of a label file without an image in a folder of labels, if no label file has an
    image.
    """
    for label in itertools.islice(_labels(upload), MAX_LOOKED_AT):
        if "labels" in folder_of(label.path).lower().split("/") and label.size <= MAX_LABEL_BYTES:
            words = _label_text(upload, label).split("\n", 1)[0].split()
            if len(words) == 5 and all(number(word) == number(word) for word in words):
                return label.path
    return None


def read_yolo(upload: Upload, reading: Reading) -> Listing:
    findings = reading.findings
    images = BoxedImages(findings)
    pairs = upload.once(_pairs)
    if not pairs:
        _refuse_orphans(upload)
    listed = _listed_splits(upload)
    used: dict[int, _Used] = {}
    for entry in upload.images:
        label = pairs.get(_key(entry.path))
        boxes = _boxes(upload, label, findings, used) if label is not None else ()
        split = split_of_path(folder_of(entry.path)) or listed.get(entry.path.rpartition("/")[2])
        images.add(entry, split, boxes)
    _report_orphans(upload, pairs, findings)
    class_names = class_names_of(upload, used.keys(), reading)
    _report_unnamed(used, class_names, findings)
    images.rename({str(class_id): name for class_id, name in class_names.items()})
    return images.listing(upload, LAYOUT, list(class_names.values()), fractions=True, upright=True)


@dataclasses.dataclass(slots=True)
class _Used:
    """How many boxes have a class id, and the first line that does."""

    line: str
    count: int = 0


def _report_unnamed(used: dict[int, _Used], class_names: dict[int, str], findings: Findings) -> None:
    for class_id in sorted(used.keys() - class_names.keys()):
        _report_out_of_range(findings, used[class_id].line, used[class_id].count)


def _report_out_of_range(findings: Findings, shown: str, count: int = 1) -> None:
    message = msg_n(
        "{count} box has a class id that no name belongs to, and was left out: name it.",
        "{count} boxes have a class id that no name belongs to, and were left out: name it.",
    )
    findings.add("error", "class-id-out-of-range", message, shown, count)


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
    """Raise InputError if there are label files and none has the name of an image."""
    orphans = [entry for entry in _labels(upload) if "labels" in folder_of(entry.path).lower().split("/")]
    if orphans and upload.images:
        raise InputError(
            msg_n(
                "{count} label file in {folder}/ belongs to no image: a label file has the name of its "
                "image, and {label} and {image} differ. Rename it.",
                "{count} label files in {folder}/ belong to no image: a label file has the name of its "
                "image, and {label} and {image} differ. Rename them.",
                len(orphans),
                folder=names.show(folder_of(orphans[0].path)),
                label=names.show(orphans[0].path.rpartition("/")[2]),
                image=names.show(upload.images[0].path.rpartition("/")[2]),
            )
        )


def _report_orphans(upload: Upload, pairs: dict[str, Entry], findings: Findings) -> None:
    paired = {entry.path for entry in pairs.values()}
    for entry in _labels(upload):
        if entry.path not in paired and "labels" in folder_of(entry.path).lower().split("/"):
            message = msg_n(
                "{count} label file belongs to no image of the upload.",
                "{count} label files belong to no image of the upload.",
            )
            findings.add("warn", "annotations-without-image", message, names.show(entry.path))


def _boxes(upload: Upload, label: Entry, findings: Findings, used: dict[int, _Used]) -> Iterator[Box]:
    """Yield the boxes of a label file, each with its class id as a name, and count the ids in ``used``."""
    for line in _label_text(upload, label).splitlines():
        words = line.split()
        if not words:
            continue
        shown = names.show(f"{label.path}: {line.strip()}")
        class_id = number(words[0])
        if len(words) < 5 or not class_id.is_integer():
            message = msg_n(
                "{count} line of label files is not `class x y width height` and was left out.",
                "{count} lines of label files are not `class x y width height` and were left out.",
            )
            findings.add("warn", "bad-lines", message, shown)
            continue
        if not 0 <= class_id < MAX_ID:
            _report_out_of_range(findings, shown)
            continue
        used.setdefault(int(class_id), _Used(shown)).count += 1
        yield (str(int(class_id)), *_place([number(word) for word in words[1:]], shown, findings))


def _label_text(upload: Upload, label: Entry) -> str:
    """Return numbers as text; undecodable text makes bad lines, and one bad file does not spoil the
    upload.
    """
    return upload.read(label, MAX_LABEL_BYTES).decode("utf-8-sig", "replace")


def _place(numbers: list[float], shown: str, findings: Findings) -> tuple[float, float, float, float]:
    if len(numbers) >= 6 and len(numbers) % 2 == 0:
        outline_boxed(findings, shown)
        return around(zip(numbers[::2], numbers[1::2], strict=True))
    if len(numbers) > 4:
        message = msg_n(
            "{count} box has a number after the height (a score?), which was left out.",
            "{count} boxes have a number after the height (a score?), which was left out.",
        )
        findings.add("info", "scores-left-out", message, shown)
    x, y, width, height = numbers[:4]
    return x - width / 2, y - height / 2, width, height


def _listed_splits(upload: Upload) -> dict[str, str]:
    """Return {image's file name: split} of train.txt, val.txt and test.txt, as in Darknet."""
    listed: dict[str, str] = {}
    for side in ("test", "train", "val"):
        for entry in by_suffix(upload, f"{side}.txt"):
            if entry.path.rpartition("/")[2].lower() == f"{side}.txt":
                for line in read_text(upload, entry).splitlines():
                    if names.is_image(line.strip()):
                        listed[names.normal_separators(line.strip()).rpartition("/")[2]] = side
    return listed
