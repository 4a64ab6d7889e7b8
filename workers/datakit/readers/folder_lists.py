"""Text files that name images of class folders: split lists, and unread lists."""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Iterator, Sequence

from workers.datakit import names
from workers.datakit.archive import Entry

from .folder_names import split_of, words_of
from .listing import MAX_LIST_BYTES, Sample
from .paddlex_lists import split_line
from .texts import folder_of, read_text, stem
from .upload import Upload

_SUFFIXES = (".txt", ".lst")
MAX_TEXT_FILES = 1000
MAX_LOOKED_AT = 40
HEAD_BYTES, HEAD_LINES = 4096, 20
# This fraction of a list must name class images, and this fraction of these must be in some list.
NEARLY_ALL = 0.9
_OF_BOXES = frozenset({"bbx", "bbox", "bboxes", "box", "boxes", "gt", "landmarks", "polygons"})


def listed_split(upload: Upload, samples: Sequence[Sample]) -> tuple[dict[str, str], list[Entry]]:
    """Return {image path: split} of lists of paths beside class folders, and the lists.

    As in Food-101: one list per split, in one folder, which together name nearly every image. If there are
    several lists of a split, or some are missing, nothing is returned.
    """
    candidates = _lists_by_folder(upload)
    by_end = {_end(sample.entry.path): sample.entry.path for sample in samples} if candidates else {}
    for lists in candidates.values():
        if "train" not in lists or len(lists) < 2 or any(len(files) > 1 for files in lists.values()):
            continue
        found: dict[str, str] = {}
        for split, (file,) in sorted(lists.items()):
            named = [by_end.get(_end(path)) for path in _paths(read_text(upload, file).splitlines())]
            if sum(path is not None for path in named) < NEARLY_ALL * len(named):
                break
            found |= {path: split for path in named if path is not None}
        else:
            if len(found) >= NEARLY_ALL * len(samples):
                return found, [file for (file,) in lists.values()]
    return {}, []


def _lists_by_folder(upload: Upload) -> dict[str, dict[str, list[Entry]]]:
    found: dict[str, dict[str, list[Entry]]] = {}
    for entry in _text_files(upload):
        split = split_of(stem(entry.path))
        if split is not None and 0 < entry.size <= MAX_LIST_BYTES:
            found.setdefault(folder_of(entry.path), {}).setdefault(split, []).append(entry)
    return found


def _text_files(upload: Upload) -> list[Entry]:
    """Return the possible lists of an upload; thousands of text files are annotations of one image each."""
    files = upload.by_suffix(*_SUFFIXES)
    return files if len(files) <= MAX_TEXT_FILES else []


def _end(path: str) -> str:
    """Return the last folder and the name without suffix."""
    path = names.normal_separators(path).casefold()
    path = path.rpartition(".")[0] if names.is_image(path) else path
    return "/".join(path.split("/")[-2:])


def _paths(lines: Iterable[str]) -> Iterator[str]:
    """Yield the path of each line, which may be followed by a label."""
    for line in map(str.strip, lines):
        written = split_line(line)[0]
        if line:
            yield written if names.is_image(written) or not names.is_image(line) and "/" in written else line


def names_images(upload: Upload, file: Entry, without: Container[str] = ()) -> bool:
    """Whether most of a text file's first lines, or every few, name images other than ``without``."""
    if not 0 < file.size <= MAX_LIST_BYTES:
        return False
    head = next(iter(upload.blocks(file, MAX_LIST_BYTES)), b"")[:HEAD_BYTES].decode("utf-8", "replace")
    lines = list(itertools.islice(_paths(head.splitlines()), HEAD_LINES))
    found = (upload.finder.find_anywhere(line.split()[0], folder_of(file.path)) for line in lines)
    return sum(entry is not None and entry.path not in without for entry in found) > len(lines) / 4


def unread_list(upload: Upload, used: set[str], samples: Sequence[Sample]) -> str | None:
    """Return the path of an unread list that describes boxes, or ignored images."""
    taken = {sample.entry.path for sample in samples}
    for file in _text_files(upload)[:MAX_LOOKED_AT]:
        if file.path in used:
            continue
        of_boxes = _OF_BOXES.intersection(words_of(stem(file.path)))
        if names_images(upload, file, () if of_boxes else taken):
            return file.path
    return None
