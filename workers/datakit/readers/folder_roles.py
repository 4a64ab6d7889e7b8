"""The role of each folder above the images: class, split, masks, or ignored.

A name alone decides little. The structure counts: which folders hold folders, which images; which contain the
same folders; which contain the same file names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from workers.contract.messages import join, msg, msg_n
from workers.datakit import names
from workers.datakit.errors import InputError

from .folder_doubts import doubts_of, look_like_shards
from .folder_masks import without_masks
from .folder_names import (
    is_augmented,
    is_images,
    is_other,
    is_unlabelled,
    split_of,
    words_of,
)
from .folder_tree import Folder, copies_in, is_flat, without_nest
from .options import ReadingOptions
from .reading import CLASS, IGNORED, IMAGES, PART, SPLIT_ROLES, TRAIN, UNLABELLED, Reading
from .texts import folder_of
from .upload import Upload

# A folder of figures or results holds few images, or less than this fraction of those of a class.
FEW, SMALL_PART = 5, 0.5


@dataclasses.dataclass(slots=True)
class Roles:
    """The classes of each part: ``parts`` are pairs of a split, or None, and the folders of its classes."""

    parts: list[tuple[str | None, list[Folder]]]
    doubts: list[str] = dataclasses.field(default_factory=list)


def transparent_folders(options: ReadingOptions) -> set[str]:
    """Return the folders whose content counts as being beside them, by a person's options.

    They are those of parts and of images, and those above a class unless they name a split.
    """
    through = {folder for folder, role in options.roles.items() if role in (PART, IMAGES)}
    for folder, role in options.roles.items():
        above = folder_of(folder) if role == CLASS else ""
        while above:
            if above not in options.roles and split_of(above.rpartition("/")[2]) is None:
                through.add(above)
            above = folder_of(above)
    return through


def roles_of(root: Folder, upload: Upload, reading: Reading) -> Roles:
    """Assign the folders' roles and note ignored ones.

    Raises InputError if they hold no classes: loose images, splits without class folders, masks.
    """
    folder, tops = _set_folder(root, upload, reading)
    for entry in folder.images:
        message = msg_n(
            "{count} image lies outside any class folder and was left out.",
            "{count} images lie outside any class folder and were left out.",
        )
        reading.findings.add("warn", "outside-class-folders", message, names.show(entry.path))
    if not tops:
        raise InputError(
            msg(
                "The images in the upload are not in class folders: put the images of each class into a "
                "folder named after the class. To draw boxes on them here, choose the format “images without "
                "labels” and name the classes."
            )
        )
    given = upload.options.roles
    tops, doubts = without_masks(tops, given, reading)
    splits = _splits(tops, upload)
    structured = [top for top in tops if top.name in splits and not _is_flat_split(top)]
    if any(splits[top.name] == TRAIN for top in structured):
        roles = _with_splits(tops, splits, given, reading)
        roles.doubts += doubts
        return roles
    flat = [top for top in tops if top.name in splits]
    if len(flat) == len(tops) and len(flat) > 1:
        raise InputError(_hold_directly(flat))
    roles = _classes(tops, splits, upload, reading)
    roles.doubts += doubts
    return roles


def _set_folder(root: Folder, upload: Upload, reading: Reading) -> tuple[Folder, list[Folder]]:
    """Return the folder of the dataset, below outer folders, and its relevant folders."""
    folder = root
    while True:
        tops = _without_others(folder, upload, reading)
        if any(top.path in upload.options.roles for top in tops):
            return folder, tops
        inner = [top for top in tops if not (split_of(top.name) in ("val", "test") and is_flat(top))]
        if len(inner) == 1 and len(tops) > 1 and inner[0].folders and split_of(inner[0].name) is None:
            for top in tops:
                if top is not inner[0]:
                    _leave_out(top, UNLABELLED, reading)
            tops = inner
        if len(tops) != 1 or not _is_outer(tops[0]):
            return folder, tops
        for entry in folder.images:
            message = msg_n(
                "{count} image lies outside any class folder and was left out.",
                "{count} images lie outside any class folder and were left out.",
            )
            reading.findings.add("warn", "outside-class-folders", message, names.show(entry.path))
        folder = tops[0]


def _is_outer(folder: Folder) -> bool:
    if not folder.images:
        return bool(folder.folders)
    return len(folder.folders) > 1 and folder.total > 2 * len(folder.images)


def _without_others(folder: Folder, upload: Upload, reading: Reading) -> list[Folder]:
    """Leave out duplicates of the dataset, figures, and folders said to be unlabelled, if others remain."""
    tops = list(folder.folders.values())
    given = upload.options.roles
    largest = max((top.total for top in tops if not is_other(top.name)), default=0)
    kept = [top for top in tops if top.path in given or not _is_aside(top, largest)]
    augmented = _augmentations([top for top in kept if top.path not in given], kept)
    kept = _missing(kept, augmented) or tops
    for top in _missing(tops, kept):
        _leave_out(top, UNLABELLED if is_unlabelled(top.name) else IGNORED, reading)
    copies = copies_in(folder, kept)[: len(kept) - 1]
    for top in copies:
        message = msg_n(
            "{count} image is a copy of another, in a folder of the same folders, and was left out.",
            "{count} images are copies of others, in a folder of the same folders, and were left out.",
        )
        reading.left_out("copied-folders", message, names.show(top.path), top.total)
        reading.roles[top.path] = IGNORED
    return _missing(kept, copies)


def _missing(folders: Sequence[Folder], others: Sequence[Folder]) -> list[Folder]:
    """Return those of ``folders`` that are not among ``others``."""
    known = {folder.path for folder in others}
    return [folder for folder in folders if folder.path not in known]


def _is_aside(top: Folder, largest: int) -> bool:
    """Whether a folder contains a few figures or the like, or unlabelled images."""
    return is_unlabelled(top.name) or (is_other(top.name) and top.total <= max(FEW, SMALL_PART * largest))


def _augmentations(tops: Sequence[Folder], beside: Sequence[Folder]) -> list[Folder]:
    """Return the folders of augmented images, which have the same folder names as the originals."""
    augmented = [top for top in tops if is_augmented(top.name) and top.folders]
    others = _missing(beside, augmented)
    known = {name for other in others for name in (other.name, *without_nest(other).folders)}
    return [top for top in augmented if without_nest(top).folders.keys() <= known]


def _leave_out(folder: Folder, role: str, reading: Reading) -> None:
    reading.roles[folder.path] = role
    if role == UNLABELLED:
        message = msg_n(
            "{count} image of folders without classes carries no label and was left out.",
            "{count} images of folders without classes carry no label and were left out.",
        )
        reading.left_out("unlabelled-folders", message, names.show(folder.path), folder.total)
        reading.unlabelled.update(entry.path for entry in folder.all())
    else:
        message = msg_n(
            "{count} image of folders that are no part of the set was left out.",
            "{count} images of folders that are no part of the set were left out.",
        )
        reading.left_out("other-folders", message, names.show(folder.path), folder.total)
        reading.unlabelled.update(entry.path for entry in folder.all())


def _splits(tops: Sequence[Folder], upload: Upload) -> dict[str, str]:
    """Return {folder name: split}. Evaluation beside validation is a test."""
    found = {top.name: split for top in tops if (split := split_of(top.name)) is not None}
    for top in tops:
        role = upload.options.roles.get(top.path)
        if role in SPLIT_ROLES:
            found[top.name] = role
        elif role == CLASS:
            found.pop(top.name, None)
    evaluated = [name for name in found if {"evaluation", "eval"} & set(words_of(name))]
    if any(found[name] == "val" for name in found if name not in evaluated):
        found |= dict.fromkeys(evaluated, "test")
    return found


def _is_flat_split(top: Folder) -> bool:
    """Whether a split's folder holds images and no classes; val/images is no class, train/good is one."""
    if not top.folders:
        return True
    if not is_flat(top):
        return False
    only = next(iter(top.folders))
    return is_images(only) or split_of(only) is not None


def _with_splits(
    tops: list[Folder], splits: dict[str, str], given: Mapping[str, str], reading: Reading
) -> Roles:
    roles, doubts = Roles([]), []
    flat = [top for top in tops if top.name in splits and _is_flat_split(top)]
    if any(splits[top.name] == TRAIN for top in flat):
        raise InputError(_hold_directly([top for top in flat if splits[top.name] == TRAIN]))
    named: set[str] = set()
    for top in tops:
        if top.name not in splits or _is_flat_split(top):
            continue
        reading.roles[top.path] = splits[top.name]
        inner = without_nest(top) if not is_flat(top) else top
        classes, of_masks = _labelled(inner, given, reading)
        doubts += of_masks
        roles.doubts += doubts_of(classes) if splits[top.name] == TRAIN else []
        named |= {each.name for each in classes}
        roles.parts.append((splits[top.name], classes))
    for top in flat:
        _leave_out(top, UNLABELLED, reading)
    for top in tops:
        if top.name not in splits:
            if named & without_nest(top).folders.keys():
                roles.doubts.append(_is_it_a_split(top, splits))
            _leave_out(top, UNLABELLED if is_flat(top) else IGNORED, reading)
    if len(roles.parts) < 2 or len({frozenset(each.name for each in part) for _, part in roles.parts}) > 1:
        roles.doubts += doubts[:1]
    return roles


def _labelled(folder: Folder, given: Mapping[str, str], reading: Reading) -> tuple[list[Folder], list[str]]:
    """Return the class folders of a split, and any doubt about them."""
    kept = []
    for each in folder.folders.values():
        if is_unlabelled(each.name) and each.path not in given:
            _leave_out(each, UNLABELLED, reading)
        else:
            kept.append(each)
    return without_masks(kept, given, reading)


def _classes(tops: list[Folder], splits: dict[str, str], upload: Upload, reading: Reading) -> Roles:
    """The folders are classes; a flat test beside them is unlabelled, one called train may be a class."""
    spare = [top for top in tops if splits.get(top.name) in ("val", "test")]
    if len(spare) < len(tops) - 1:
        for top in spare:
            _leave_out(top, UNLABELLED, reading)
        tops = _missing(tops, spare)
    inverted = _split_below(tops)
    if inverted is not None:
        return inverted
    given = upload.options.roles
    said = any(given.get(top.path) == CLASS for top in tops)
    doubts = [] if said else [*_flat_splits(tops, spare, splits), *doubts_of(tops)]
    reading.gives_way = not said and look_like_shards(tops)
    return Roles([(None, tops)], doubts)


def _flat_splits(tops: Sequence[Folder], spare: Sequence[Folder], splits: dict[str, str]) -> list[str]:
    """Doubt that a folder named after training is a class, if another is named after its test."""
    train = [top for top in tops if splits.get(top.name) == TRAIN and is_flat(top)]
    if not train or not spare or (len(tops) > 2 and len(words_of(train[0].name)) == 1):
        return []
    return [
        msg(
            "The folders {folders} look like parts of a set, not like classes: say what they are (roles).",
            folders=join([names.show(top.name) for top in (*train, *spare)], ", "),
        )
    ]


def _split_below(tops: Sequence[Folder]) -> Roles | None:
    """Read <class>/train and <class>/val, if every class has both."""
    found: dict[str, list[Folder]] = {}
    for top in tops:
        inner = without_nest(top)
        sides = {split_of(name) for name in inner.folders}
        if inner.images or None in sides or len(sides) < 2 or TRAIN not in sides:
            return None
        for each in inner.folders.values():
            part = Folder(each.path, top.name, each.images, each.folders, each.total)
            found.setdefault(split_of(each.name), []).append(part)
    return Roles(list(found.items())) if len(tops) > 1 else None


def _is_it_a_split(top: Folder, splits: dict[str, str]) -> str:
    return msg(
        "The folder {folder} holds the same class folders as {others} and its name is no split: leave it out "
        "(ignore), or say what it is (roles).",
        folder=names.show(top.path),
        others=join(list(splits)[:3], ", "),
    )


def _hold_directly(flat: Sequence[Folder]) -> str:
    if len(flat) == 1:
        return msg(
            "The folder {folder} holds images directly: put the images of each class into a folder named "
            "after the class inside it.",
            folder=names.show(flat[0].path),
        )
    return msg(
        "The folders {folders} hold images directly: put the images of each class into a folder named "
        "after the class inside them.",
        folders=_and([top.name for top in sorted(flat, key=lambda top: top.name)]),
    )


def _and(items: Sequence[str]) -> str:
    return join([names.show(item) for item in items], " and ")
