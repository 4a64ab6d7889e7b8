"""ImageNet's format: training images in class folders, validation images in one, their classes in a table.

The table is ``val.txt`` (image and class id, ids in the order of the folders' names), ``val_annotations.txt``
of Tiny ImageNet (image and folder's name) or ``LOC_val_solution.csv`` (image and folder's name, then boxes).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from workers.contract.messages import msg
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError

from .labelled import LabelledImages
from .listing import MAX_LIST_BYTES, Listing
from .noticed import bad_row
from .reading import BY_FOLDERS, Reading
from .splits import split_of_path
from .texts import folder_of, read_text
from .upload import Upload

LAYOUT = "ImageNet"
_TABLES = ("val.txt", "val_list.txt", "val_annotations.txt", "loc_val_solution.csv")
# A WordNet id, as ImageNet names its folders.
_SYNSET = re.compile(r"n[0-9]{8}")
MAX_LOOKED_AT = 20


def looks_like_imagenet(upload: Upload) -> str | None:
    """Return the path of a table of validation images whose training images are in synset folders."""
    table = _table(upload)
    if table is None or len(_classes(upload)) < 2:
        return None
    for written, _ in itertools.islice(_lines(upload, table), MAX_LOOKED_AT):
        if _validation_image(written, table, upload) is not None:
            return table.path
    return None


def read_imagenet(upload: Upload, reading: Reading) -> Listing:
    table = _table(upload)
    if table is None:
        raise InputError(msg("The upload holds no table of ImageNet's validation images."))
    classes = _classes(upload)
    known = set(classes)
    images = LabelledImages(reading.findings)
    for path, (entry, name) in _training_images(upload).items():
        images.add(entry, name, "train")
        reading.roles[folder_of(path)] = "class"
    for written, label in _lines(upload, table):
        entry = _validation_image(written, table, upload)
        name = label if label in known else _numbered(label, classes)
        if entry is None or name is None:
            bad_row(reading.findings, names.show(f"{table.path}: {written} {label}"))
            continue
        images.add(entry, name, "val")
    reading.files.add(table.path)
    reading.split_origin = BY_FOLDERS
    return images.listing(upload, LAYOUT, classes)


def _table(upload: Upload) -> Entry | None:
    found = [entry for entry in upload.files if entry.path.rpartition("/")[2].lower() in _TABLES]
    return min(found, key=lambda entry: (entry.path.count("/"), entry.path), default=None)


def _training_images(upload: Upload) -> dict[str, tuple[Entry, str]]:
    """Return {path: (image, name of its synset folder)}, whatever is between the two."""
    found = {}
    for entry in upload.images:
        parts = entry.path.split("/")[:-1]
        synset = next((part for part in reversed(parts) if _SYNSET.fullmatch(part)), None)
        if synset is not None:
            found[entry.path] = (entry, synset)
    return found


def _classes(upload: Upload) -> list[str]:
    return sorted({name for _, name in _training_images(upload).values()})


def _lines(upload: Upload, table: Entry) -> Iterator[tuple[str, str]]:
    """Yield the first two fields of each line, separated by blanks, tabs or a comma."""
    for line in read_text(upload, table, MAX_LIST_BYTES).splitlines():
        words = line.replace(",", " ").split()
        if len(words) > 1 and words != ["ImageId", "PredictionString"]:
            yield words[0], words[1]


def _validation_image(written: str, table: Entry, upload: Upload) -> Entry | None:
    near, finder = folder_of(table.path), upload.finder
    entry = finder.find_anywhere(written, near, "val") or finder.named(written, near, "val")
    return entry if entry is not None and split_of_path(folder_of(entry.path)) == "val" else None


def _numbered(label: str, classes: list[str]) -> str | None:
    """Return the class of an id, which counts the folders in the order of their names."""
    if label.isascii() and label.isdigit() and len(label) < 7 and int(label) < len(classes):
        return classes[int(label)]
    return None
