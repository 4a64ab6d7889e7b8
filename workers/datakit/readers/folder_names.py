"""What a folder's name says about its content: a split, images, masks, unlabelled images."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .splits import SPLIT_WORDS

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\x00-\x7f]+")
_NUMBERED = re.compile(r"(?i)(fold|part|batch|images?|imgs?|chunk|shard|data|split|set|volume|video|seq)s?"
                       r"[ _-]*([0-9]{1,4}|[a-z])")  # fmt: skip
# A day, with or without a time; a session.
_DAY = r"(19|20)[0-9]{2}[-_.]?(0[1-9]|1[0-2])[-_.]?([0-2][0-9]|3[01])([ _T-]{1,3}[0-9][0-9_.:-]{0,20})?"
_DAY_FIRST = r"[0-9]{1,2}[-_.][0-9]{1,2}[-_.](19|20)[0-9]{2}"
_NUMBERED_SESSION = r"(session|day|visit|shoot|take|run|trip|cam|camera)[ _-]{0,3}[0-9]{1,4}"
_SESSIONS = re.compile("|".join((_DAY, _DAY_FIRST, _NUMBERED_SESSION)), re.IGNORECASE)
_HEX = frozenset("0123456789abcdef")
SHORTEST_HASH, LONGEST_HASH, LONGEST_SHARD = 8, 64, 3
_AUGMENTED = frozenset({"augmented", "augment", "augmentation", "augmentations", "aug", "augs", "增强"})
_MASKS = re.compile(
    r"mask|annot|segm|ground ?truth|trimap|\bgt|\bseg\b|seg\b|\banns?\b|\blabels?\b|\bmattes?\b|\bmsks?\b"
)
_DRAWN = ("visualization", "visualisation", "visualizations", "viz", "overlay", "overlays")
_IMAGES = frozenset({
    "images", "image", "img", "imgs", "jpegimages", "photos", "photo", "pictures", "pics", "rgb",
    "camerargb", "original", "originals", "raw", "input", "inputs", "leftimg", "frames", "图片", "图像",
    "原图",
})  # fmt: skip
_WITHOUT = (["no", "label"], ["no", "labels"], ["not", "labeled"], ["not", "labelled"], ["to", "label"])
_UNLABELLED = frozenset({
    "unlabeled", "unlabelled", "nolabel", "nolabels", "predict", "predictions", "prediction", "pred",
    "inference", "unsorted", "untagged", "unannotated", "未标注", "待标注", "无标签", "未分类",
})  # fmt: skip
_OTHER = frozenset({
    "docs", "doc", "documentation", "assets", "asset", "figure", "figures", "screenshot",
    "screenshots", "runs", "results", "result", "output", "outputs", "visualization", "visualizations",
    "vis", "example", "examples", "papers", "thumbnails", "thumbs",
    "readme", "plots", "plot",
})  # fmt: skip


def words_of(name: str) -> list[str]:
    """Return the words of a name in lower case, without digits: TrainImages and train-images2 have two."""
    return [word.lower() for word in _WORDS.findall(name)]


def split_of(name: str) -> str | None:
    """Return the split named by one word of the name: "train", "val" or "test"."""
    found = {SPLIT_WORDS[word] for word in words_of(name) if word in SPLIT_WORDS}
    found |= {side for word, side in SPLIT_WORDS.items() if not word.isascii() and word in name}
    return found.pop() if len(found) == 1 else None


def is_masks(name: str) -> bool:
    return bool(_MASKS.search(" ".join(words_of(name)))) and not is_unlabelled(name)


def is_visualization(name: str) -> bool:
    return any(word.startswith("vis") or word.endswith(_DRAWN) for word in words_of(name))


def is_images(name: str) -> bool:
    return any(word in _IMAGES for word in words_of(name)) and not is_masks(name)


def is_unlabelled(name: str) -> bool:
    words = words_of(name)
    return any(word in _UNLABELLED for word in words) or words[:2] in _WITHOUT


def is_other(name: str) -> bool:
    """Whether the name is that of a folder of figures, results or papers."""
    words = words_of(name)
    return bool(words) and all(word in _OTHER for word in words)


def is_augmented(name: str) -> bool:
    return any(word in _AUGMENTED for word in words_of(name))


def is_session(name: str) -> bool:
    """Whether the name is that of a day or a session, or a hash: unrelated to the images' content."""
    return bool(_SESSIONS.fullmatch(name)) or _is_hash(name)


def _is_hash(name: str) -> bool:
    letters = set(name.lower())
    return (
        SHORTEST_HASH <= len(name) <= LONGEST_HASH
        and letters <= _HEX
        and not name.isalpha()
        and not name.isdigit()
    )


def are_shards(folders: Iterable[str], stems: Iterable[str]) -> bool:
    """Whether files named by hashes are distributed over folders named by their first one to three
    letters.
    """
    stems = list(stems)
    hashes = sum(map(_is_hash, stems))
    short = all(len(folder) <= LONGEST_SHARD and set(folder.lower()) <= _HEX for folder in folders)
    return short and hashes > 0.5 * len(stems)


def is_part(name: str) -> bool:
    """Whether the name is that of one of several parts: fold1, batch_b, images_001."""
    return bool(_NUMBERED.search(name)) and split_of(name) is None
