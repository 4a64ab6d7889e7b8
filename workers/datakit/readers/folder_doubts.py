"""Doubts that folders are classes: names of parts, days or sessions, twins, folders below them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from workers.contract.messages import join, msg
from workers.datakit import names

from .folder_names import are_shards, is_images, is_masks, is_other, is_part, is_session
from .folder_tree import Folder, without_nest
from .texts import stem

# Two folders that share this fraction of image names are two versions of the same images.
SAME_NAMES = 0.8
MAX_COMPARED = 8  # folders, compared pairwise
MAX_LOOKED_AT = 20  # images of each folder


def doubts_of(tops: Sequence[Folder]) -> list[str]:
    """Return why folders that look like classes may not be any."""
    parts = [top for top in tops if is_part(top.name) or is_session(top.name)]
    if len(parts) > 1 and len(parts) == len(tops):
        return [
            msg(
                "The folders {folders} look like parts of a set, not like classes: say what they are "
                "(roles).",
                folders=shown(tops),
            )
        ]
    if len(tops) > 1 and any(is_images(top.name) or is_other(top.name) for top in tops):
        return [
            msg(
                "The folders {folders} hold images, and one of them is not named after a class: say what "
                "they are (roles).",
                folders=shown(tops),
            )
        ]
    twins = _twins(tops)
    if twins is not None:
        return [
            msg(
                "The folders {folders} hold images of the same names in other formats, as images and their "
                "masks do: say what they are (roles).",
                folders=shown(twins),
            )
        ]
    names_beside = {top.name for top in tops}
    for top in tops:
        if len(top.folders) > 1 and top.folders.keys() <= names_beside:
            return [
                msg(
                    "The folder {folder} holds folders of the same names as those beside it: leave it out "
                    "(ignore), or say what it is (roles).",
                    folder=names.show(top.path),
                )
            ]
    many = [top for top in tops if _holds_folders(without_nest(top))]
    if len(many) < 2:
        return []
    below = without_nest(many[0]).folders
    return [
        msg(
            "The folders {folders} hold folders ({below}): if those are the classes, say that {folders} "
            "are parts of the set (roles), or pack the classes alone.",
            folders=shown(many),
            below=shown(list(below.values())),
        )
    ]


def _twins(tops: Sequence[Folder]) -> tuple[Folder, Folder] | None:
    """Return two folders with the same file names, one with JPEG files and one with PNG files, say."""
    if len(tops) > MAX_COMPARED:
        return None
    facts = [(top, top.stems(), top.suffixes()) for top in tops]
    for (one, stems, suffixes), (two, others, other_suffixes) in itertools.combinations(facts, 2):
        alike = len(stems & others) >= SAME_NAMES * max(len(stems), len(others))
        if alike and not suffixes & other_suffixes:
            return one, two
    return None


def _holds_folders(folder: Folder) -> bool:
    """Whether most images are in folders below, other than days, sessions, parts or masks."""
    inner = [name for name in folder.folders if not is_masks(name)]
    only_parts = all(is_session(name) or is_part(name) for name in inner)
    return len(inner) > 1 and folder.total > 2 * len(folder.images) and not only_parts


def look_like_shards(tops: Sequence[Folder]) -> bool:
    """Whether the folders may be shards, into which files are distributed by a hash of their names."""
    some = (itertools.islice(top.all(), MAX_LOOKED_AT) for top in tops)
    stems = [stem(entry.path) for entry in itertools.chain.from_iterable(some)]
    return are_shards((top.name for top in tops), stems)


def shown(folders: Sequence[Folder]) -> str:
    shown = [names.show(folder.name) for folder in folders[:3]]
    return join([*shown, *(["…"] if len(folders) > 3 else [])], ", ")
