"""Folders named after classes, with or without train/ and val/ folders above them."""

from __future__ import annotations

from collections import defaultdict

from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .listing import Listing, Sample
from .reading import Reading
from .splits import SPLIT_WORDS
from .upload import Upload

LAYOUT = "class folders"


def read_class_folders(upload: Upload, reading: Reading) -> Listing:
    """Read ``<class>/<image>``, in any wrapping folders.

    With ``train/<class>/…`` beside ``val/`` or ``test/`` the split is taken as given.
    """
    findings = reading.findings
    images = _images_only(upload, findings)
    images = _unwrapped(images)
    loose = [entry for parts, entry in images if len(parts) == 1]
    images = [(parts, entry) for parts, entry in images if len(parts) > 1]
    if not images:
        raise InputError(
            "The images in the upload are not in class folders: put the images of each class into a folder "
            "named after the class."
        )
    for entry in loose:
        message = "{count} images lie outside any class folder and were left out."
        findings.add("warn", "outside-class-folders", message, names.show(entry.path))
    _report_empty_folders(upload, findings)
    splits = _splits_of(images)
    if splits:
        samples = _given_split(images, splits, findings)
    else:
        samples = [(parts, entry, None) for parts, entry in images]
    return _listing(samples, split_given=bool(splits), findings=findings)


Parts = tuple[str, ...]


def _images_only(upload: Upload, findings: Findings) -> list[tuple[Parts, Entry]]:
    images = []
    for entry in upload.entries:
        if names.is_image(entry.path):
            images.append((tuple(entry.path.split("/")), entry))
        else:
            message = "{count} files that are not images were left out."
            findings.add("info", "not-images", message, names.show(entry.path))
    return images


def _unwrapped(images: list[tuple[Parts, Entry]]) -> list[tuple[Parts, Entry]]:
    """Take off outer folders that hold everything, as long as folders with images remain below."""
    while True:
        tops = {parts[0] for parts, _ in images if len(parts) > 1}
        directly_inside = any(len(parts) == 2 for parts, _ in images)
        anything_loose = any(len(parts) == 1 for parts, _ in images)
        if len(tops) != 1 or directly_inside or anything_loose:
            return images
        images = [(parts[1:], entry) for parts, entry in images]


def _report_empty_folders(upload: Upload, findings: Findings) -> None:
    filled: set[str] = set()
    for entry in upload.entries:
        parent = entry.path.rpartition("/")[0]
        while parent and parent not in filled:
            filled.add(parent)
            parent = parent.rpartition("/")[0]
    for path in upload.folders:
        if path not in filled:
            message = "{count} folders of the upload are empty."
            findings.add("info", "empty-folders", message, names.show(path))


def _splits_of(images: list[tuple[Parts, Entry]]) -> dict[str, str]:
    """Return {folder name: split} when the top folders are train and val or test, else nothing."""
    tops = {parts[0] for parts, _ in images}
    splits = {top: SPLIT_WORDS[top.lower()] for top in tops if top.lower() in SPLIT_WORDS}
    distinct = set(splits.values())
    if len(splits) < len(tops) or len(distinct) < len(splits) or not {"train"} < distinct:
        return {}
    if any(len(parts) == 2 for parts, _ in images):
        raise InputError(
            f"The folders {' and '.join(sorted(tops))} hold images directly: "
            "put the images of each class into a folder named after the class inside them."
        )
    return splits


def _given_split(
    images: list[tuple[Parts, Entry]], splits: dict[str, str], findings: Findings
) -> list[tuple[Parts, Entry, str | None]]:
    measured_on = "val" if "val" in splits.values() else "test"
    samples: list[tuple[Parts, Entry, str | None]] = []
    for parts, entry in images:
        split = splits[parts[0]]
        if split == "test" and measured_on == "val":
            message = "{count} images in the test folder were left out: only train and val are used."
            findings.add("info", "test-left-out", message, names.show(entry.path))
            continue
        if split == "test":
            message = (
                "There is no val folder, so the {count} images of the test folder are the validation set."
            )
            findings.add("info", "test-as-val", message, names.show(entry.path))
        samples.append((parts[1:], entry, "train" if split == "train" else "val"))
    return samples


def _listing(
    samples: list[tuple[Parts, Entry, str | None]], split_given: bool, findings: Findings
) -> Listing:
    deep: dict[str, int] = defaultdict(int)
    class_names = sorted({names.check_class_name(parts[0]) for parts, _, _ in samples}, key=names.natural_key)
    ids = {name: class_id for class_id, name in enumerate(class_names)}
    for parts, _, _ in samples:
        if len(parts) > 2:
            deep[parts[0]] += 1
    for folder, count in sorted(deep.items()):
        message = "{count} images in folders below a class folder were counted to that class."
        findings.add("warn", "nested-folders", message, names.show(folder), count)
    listed = [Sample(entry, ids[parts[0]], split) for parts, entry, split in samples]
    return Listing(LAYOUT, class_names, listed, split_given)
