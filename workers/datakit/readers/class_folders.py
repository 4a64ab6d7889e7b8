"""Folders named after classes, with or without split folders above them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from workers.contract.messages import msg, msg_n
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .folder_lists import listed_split
from .folder_masks import masks_in
from .folder_roles import Roles, roles_of, transparent_folders
from .folder_tree import Folder, tree_of
from .listing import Listing, Sample
from .reading import BY_FOLDERS, BY_LISTS, CLASS, Reading
from .splits import pick_split
from .upload import Upload
from .wording import some

LAYOUT = msg("class folders")


def read_class_folders(upload: Upload, reading: Reading) -> Listing:
    """Read ``<class>/<image>``, below any outer folders.

    If ``train/<class>/…`` is beside ``val/`` or ``test/``, that split is used.
    """
    for entry in upload.files:
        message = msg_n(
            "{count} file that is not an image was left out.",
            "{count} files that are not images were left out.",
        )
        reading.findings.add("info", "not-images", message, names.show(entry.path))
    images = sorted(upload.images, key=lambda entry: entry.path)
    roles = roles_of(tree_of(images, transparent_folders(upload.options)), upload, reading)
    _report_empty_folders(upload, reading.findings)
    if upload.options.format != "folders" and not upload.options.gives_classes:
        for sentence in roles.doubts:
            reading.doubt(sentence)
    return _listing(roles, upload, reading)


def _report_empty_folders(upload: Upload, findings: Findings) -> None:
    filled: set[str] = set()
    for entry in upload.entries:
        parent = entry.path.rpartition("/")[0]
        while parent and parent not in filled:
            filled.add(parent)
            parent = parent.rpartition("/")[0]
    for path in upload.folders:
        if path not in filled:
            message = msg_n(
                "{count} folder of the upload is empty.", "{count} folders of the upload are empty."
            )
            findings.add("info", "empty-folders", message, names.show(path))


def _listing(roles: Roles, upload: Upload, reading: Reading) -> Listing:
    sides = {split for split, _ in roles.parts}
    given = "train" in sides and len(sides) > 1
    classes: dict[str, list[tuple[Entry, str | None]]] = defaultdict(list)
    for split, folders in roles.parts:
        for folder in folders:
            side = split if given else None
            reading.roles[folder.path] = CLASS
            masks = masks_in(folder, reading)
            images = [entry for entry in folder.all() if entry.path not in masks]
            classes[names.check_class_name(folder.name)] += ((entry, side) for entry in images)
            _report_deep(folder, images, reading.findings)
    if given:
        reading.split_origin = BY_FOLDERS
    _doubt_numbered_items(classes, upload, reading)
    class_names = sorted(classes, key=names.natural_key)
    if not class_names:
        raise InputError(msg("The class folders of the upload hold no images that can be used."))
    samples = [
        Sample(entry, class_id, side)
        for class_id, name in enumerate(class_names)
        for entry, side in classes[name]
    ]
    if not given:
        _take_listed_split(samples, upload, reading)
    samples, given = pick_split(samples, reading.findings, upload.options.split_of)
    return Listing(LAYOUT, class_names, samples, given)


def _doubt_numbered_items(classes: Iterable[str], upload: Upload, reading: Reading) -> None:
    """Ask about folders named with one word and a number if defect masks are among the images."""
    words = {name.rstrip("0123456789") for name in classes}
    numbered = len(words) == 1 and words.isdisjoint(classes)
    if numbered and reading.findings.count("masks-left-out") and upload.options.format != "folders":
        reading.doubt(
            msg(
                "The folders {folders} hold images beside their masks and are numbered: choose {layout} if "
                "they are classes.",
                folders=some(list(classes)),
                layout="folders",
            )
        )


def _take_listed_split(samples: list[Sample], upload: Upload, reading: Reading) -> None:
    """Take the split from lists of the images, if there are any."""
    splits, lists = listed_split(upload, samples)
    for sample in samples:
        sample.split = splits.get(sample.entry.path)
    reading.files |= {entry.path for entry in lists}
    if lists:
        reading.split_origin = BY_LISTS


def _report_deep(folder: Folder, images: Iterable[Entry], findings: Findings) -> None:
    beside = {entry.path for entry in folder.images}
    deep = sum(entry.path not in beside for entry in images)
    if deep:
        message = msg_n(
            "{count} image in folders below a class folder was counted as that class.",
            "{count} images in folders below a class folder were counted as that class.",
        )
        findings.add("warn", "nested-folders", message, names.show(folder.name), deep)
