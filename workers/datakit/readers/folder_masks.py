"""Masks among the folders of a dataset: ignored beside classes, refused beside plain images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from workers.contract.messages import join, msg, msg_n
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError

from .folder_doubts import SAME_NAMES
from .folder_names import is_images, is_masks, split_of
from .folder_tree import Folder
from .reading import MASKS, Reading

MAX_PAIRED = 100  # folders of images, and of masks
_MASKS_LEFT_OUT = msg_n(
    "{count} image is a mask of another and was left out.",
    "{count} images are masks of others and were left out.",
)
_ENDINGS = ("_mask", "-mask", " mask", "_masks", "_seg", "_segmentation", "_gt", "_label", "_annotation")


def without_masks(
    folders: Sequence[Folder], given: Mapping[str, str], reading: Reading
) -> tuple[list[Folder], list[str]]:
    """Leave out mask folders among ``folders``; return the others, and any doubt.

    Raises InputError if the others hold the images of the masks and no classes.
    """
    masks = [folder for folder in folders if is_masks(folder.name) and folder.path not in given]
    others = [folder for folder in folders if folder not in masks]
    if not masks or not others:
        return list(folders), []
    only_images = all(is_images(folder.name) for folder in others)
    if not only_images and not _are_of_same_names(others, masks):
        return list(folders), []
    classes = _classes_of(others)
    if only_images or not _could_be_classes(classes):
        raise InputError(
            msg(
                "{images} and {masks} are images and their masks, a segmentation set, which is not supported "
                "yet: upload class folders, or boxes.",
                images=names.show(others[0].path),
                masks=names.show(masks[0].path),
            )
        )
    for folder in masks:
        _leave_out((entry.path for entry in folder.all()), reading)
        reading.roles[folder.path] = MASKS
    return others, [] if _are_repeated(others) else [_are_they_classes(classes, masks)]


def masks_in(folder: Folder, reading: Reading) -> set[str]:
    """Leave out the masks in the folder of a class, such as 12_mask.png beside 12.png; return their paths."""
    images = list(folder.all())
    stems = {_stem(entry) for entry in images}
    masks = {entry.path for entry in images if _is_mask(_stem(entry), stems)}
    for inner in _folders_of_masks(folder):
        masks.update(entry.path for entry in inner.all())
        reading.roles[inner.path] = MASKS
    _leave_out(masks, reading)
    return masks


def _leave_out(masks: Iterable[str], reading: Reading) -> None:
    for path in sorted(masks):
        reading.left_out("masks-left-out", _MASKS_LEFT_OUT, names.show(path))
        reading.unlabelled.add(path)


def _are_of_same_names(folders: Sequence[Folder], masks: Sequence[Folder]) -> bool:
    """Whether the images of a folder and those of a mask folder have the same names."""
    images = [folder.stems() for folder in folders[:MAX_PAIRED]]
    drawn = [{_without_ending(stem) for stem in mask.stems()} for mask in masks[:MAX_PAIRED]]
    return any(
        one and two and len(one & two) >= SAME_NAMES * min(len(one), len(two))
        for one in images
        for two in drawn
    )


def _classes_of(folders: Sequence[Folder]) -> list[Folder]:
    """Return the folders that may be classes: those of splits, and the others themselves."""
    return [
        each
        for folder in folders
        for each in (folder.folders.values() if split_of(folder.name) is not None else [folder])
    ]


def _could_be_classes(folders: Sequence[Folder]) -> bool:
    """Whether there are several, none called "images", and no image name occurs in two."""
    if len({folder.name for folder in folders}) < 2 or any(is_images(folder.name) for folder in folders):
        return False
    seen: set[str] = set()
    for folder in folders:
        stems = folder.stems()
        if stems & seen:
            return False
        seen |= stems
    return True


def _are_repeated(folders: Sequence[Folder]) -> bool:
    """Whether the same folders are in two splits, as only classes are."""
    below = [frozenset(folder.folders) for folder in folders if split_of(folder.name) is not None]
    return len(below) > 1 and len(set(below)) == 1


def _are_they_classes(classes: Sequence[Folder], masks: Sequence[Folder]) -> str:
    shown = list(dict.fromkeys(names.show(folder.name) for folder in classes))
    return msg(
        "{masks} holds masks of the images: choose {layout} if the folders {folders} are the classes and the "
        "masks are to be left out.",
        masks=names.show(masks[0].path),
        layout="folders",
        folders=join([*shown[:3], *(["…"] if len(shown) > 3 else [])], ", "),
    )


def _without_ending(stem: str) -> str:
    """Return the name of the image that a mask called ``stem`` belongs to: 12_mask is of 12."""
    for ending in _ENDINGS:
        if stem.endswith(ending):
            return stem.removesuffix(ending)
    return stem


def _folders_of_masks(folder: Folder) -> Iterator[Folder]:
    """Yield the mask folders in a class's folder, beside its images or its image folders."""
    inner = list(folder.folders.values())
    drawn = [each for each in inner if is_masks(each.name)]
    if drawn and (folder.images or len(drawn) < len(inner)):
        yield from drawn


def _is_mask(stem: str, stems: set[str]) -> bool:
    image = _without_ending(stem)
    return image != stem and image in stems


def _stem(entry: Entry) -> str:
    folder, _, name = entry.path.rpartition("/")
    return f"{folder}/{name.rpartition('.')[0].casefold()}"
