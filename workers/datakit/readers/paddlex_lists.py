"""PaddleX's classification format: images anywhere, listed in train.txt and val.txt, class names in
label.txt.

A list line is ``<path> <class id>``, a label line ``<class id> <class name>``, as in PaddleX's documentation
of its image classification module; tabs work as well as spaces.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from workers.contract.messages import msg, msg_n
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .finder import ImageFinder
from .folder_names import words_of
from .label_names import Labels, named_classes, read_labels
from .listing import Listing, Sample
from .noticed import listed_twice, two_labels
from .reading import BY_LISTS, TEST, TRAIN, Reading
from .splits import SPLIT_WORDS
from .texts import folder_of, read_text
from .upload import Upload

LAYOUT = msg("PaddleX lists")
LOOKED_AT = 50
# train.txt, train_list.txt, valid.txt, validate_list.txt, eval.txt, dev.txt, test_data.txt, …
_OF_LISTS = {
    "list", "lists", "lst", "data", "set", "label", "labels", "images", "img", "files", "file", "split",
    "annotation", "annotations", "anno", "info",
}  # fmt: skip
_MORE = {"dev": "val", "validate": "val"}
_LABELS = ("label.txt", "labels.txt", "label_list.txt", "class_names.txt", "classes.txt")


@dataclasses.dataclass(slots=True)
class _Row:
    entry: Entry
    label: int
    split: str


def looks_like_paddlex_lists(upload: Upload) -> str | None:
    """Return the path of the topmost train.txt, unless all lists belong to other formats.

    Pascal VOC's lists are in ImageSets or name XML files; Darknet's lists name images without a class.
    """
    train = _find_lists(upload).get("train")
    if train is None:
        return None
    lines = [line.strip() for line in read_text(upload, train).splitlines()[:LOOKED_AT] if line.strip()]
    if lines and all(names.is_image(line) or line.lower().endswith((".xml", ".json")) for line in lines):
        return None
    return train.path


def read_paddlex_lists(upload: Upload, reading: Reading) -> Listing:
    """Read the dataset around the topmost train.txt."""
    findings = reading.findings
    lists = _find_lists(upload)
    if "train" not in lists:
        raise InputError(msg("The upload holds no train.txt: add it, with lines like `images/0001.jpg 0`."))
    texts = {split: read_text(upload, lists[split]) for split in ("train", "val", "test") if split in lists}
    texts = _without_unlabelled_test(texts, lists, findings)
    labels = _labels(upload, lists, texts, reading)
    rows: list[_Row] = []
    for split, text in texts.items():
        rows += _read_list(text, split, upload.finder, folder_of(lists["train"].path), labels.names, findings)
    if not rows:
        raise InputError(
            msg(
                "No line of {file} names an image in the upload with a class id: write lines like "
                "`images/0001.jpg 0`.",
                file=names.show(lists["train"].path),
            )
        )
    rows = _one_row_per_image(rows, findings)
    _report_unlisted(upload, rows, lists, findings)
    reading.files |= {entry.path for entry in lists.values()}
    reading.split_origin = BY_LISTS
    return _listing(rows, labels.names, findings)


def _without_unlabelled_test(
    texts: dict[str, str], lists: dict[str, Entry], findings: Findings
) -> dict[str, str]:
    """Leave out a test list with images but no classes."""
    lines = list(_lines(texts.get(TEST, "")))
    if not lines or any(path and not names.is_image(label) for path, label in lines):
        return texts
    message = msg_n(
        "{count} image of the test set has no class and was left out.",
        "{count} images of the test set have no class and were left out.",
    )
    findings.add("info", "test-left-out", message, names.show(lists[TEST].path), len(lines))
    return {split: text for split, text in texts.items() if split != TEST}


def _labels(upload: Upload, lists: dict[str, Entry], texts: dict[str, str], reading: Reading) -> Labels:
    """Return the class names by the ids used in the lists."""
    written = {label for text in texts.values() for _, label in _lines(text)}
    used = {int(label) for label in written if _is_id(label)}
    if "label" in lists:
        shown = names.show(lists["label"].path)
        labels = read_labels(read_text(upload, lists["label"]), shown, used, upload.options.ids_from)
        for sentence in labels.doubts:
            reading.doubt(sentence)
        if labels.ids_from is not None:
            reading.used["ids_from"] = labels.ids_from
        return labels
    if not used and written:  # the lists themselves name the classes
        return Labels(dict(enumerate(sorted(written, key=names.natural_key))))
    return Labels(None)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    return (split_line(line) for line in text.splitlines() if line.strip())


def _find_lists(upload: Upload) -> dict[str, Entry]:
    """Return the lists in the topmost folder with a train.txt, by split."""
    found: dict[str, dict[str, Entry]] = {}
    for entry in upload.entries:
        folder, _, name = entry.path.rpartition("/")
        if "ImageSets" in folder.split("/"):
            continue
        kind = _side(name)
        if kind:
            found.setdefault(folder, {}).setdefault(kind, entry)
        elif name.lower() in _LABELS:
            kinds = found.setdefault(folder, {})
            kinds["label"] = min(kinds.get("label", entry), entry, key=_rank)
    folders = [folder for folder, kinds in found.items() if "train" in kinds]
    if not folders:
        return {}
    folders.sort(key=lambda folder: (len(folder.split("/")) if folder else 0, folder))
    return found[folders[0]]


def _side(name: str) -> str | None:
    """Return the split of a list: train.txt, train_list.txt, list_valid.txt, eval.txt, dev.txt, …"""
    stem, _, suffix = name.rpartition(".")
    words = words_of(stem)
    found = {_MORE.get(word) or SPLIT_WORDS.get(word) for word in words} - {None}
    others = [word for word in words if word not in SPLIT_WORDS and word not in _MORE]
    if suffix.lower() != "txt" or len(found) != 1 or not set(others) <= _OF_LISTS:
        return None
    return found.pop()


def _rank(entry: Entry) -> int:
    return _LABELS.index(entry.path.rpartition("/")[2].lower())


def _read_list(
    text: str,
    split: str,
    finder: ImageFinder,
    base: str,
    names_by_id: dict[int, str] | None,
    findings: Findings,
) -> list[_Row]:
    ids_by_name = {name: class_id for class_id, name in (names_by_id or {}).items()}
    rows = []
    for line in text.splitlines():
        if not line.strip():
            continue
        path, label = split_line(line)
        class_id = _class_id(label, ids_by_name)
        if class_id is None or not path:
            message = msg_n(
                "{count} line of the lists is not `path id` and was left out.",
                "{count} lines of the lists are not `path id` and were left out.",
            )
            findings.add("warn", "bad-lines", message, names.show(f"{split}.txt: {line.strip()}"))
            continue
        entry = finder.find_upwards(path, base)
        if entry is None:
            message = msg_n(
                "{count} listed image is missing from the upload and was left out.",
                "{count} listed images are missing from the upload and were left out.",
            )
            findings.add("warn", "missing-images", message, names.show(path))
            continue
        rows.append(_Row(entry, class_id, split))
    return rows


def split_line(line: str) -> tuple[str, str]:
    """Return path and label of a list line: split at the last tab, else space, else comma."""
    line = line.strip()
    path, separator, label = line.rpartition("\t")
    if not separator:
        path, separator, label = line.rpartition(" ")
    if not separator:
        path, _, label = line.rpartition(",")
    return path.strip(), label.strip()


def _class_id(label: str, ids_by_name: dict[str, int]) -> int | None:
    return int(label) if _is_id(label) else ids_by_name.get(label)


def _is_id(label: str) -> bool:
    return label.isascii() and label.isdigit() and len(label) < 10


def _one_row_per_image(rows: list[_Row], findings: Findings) -> list[_Row]:
    """Keep each image once; leave out one with two labels, and use one in two lists for validation."""
    by_path: dict[str, list[_Row]] = {}
    for row in rows:
        by_path.setdefault(row.entry.path, []).append(row)
    kept = []
    for path, same in by_path.items():
        shown = names.show(path)
        if len({row.label for row in same}) > 1:
            two_labels(findings, shown)
            continue
        splits = {row.split for row in same}
        if len(splits) > 1:
            message = msg_n(
                "{count} image is in more than one list; it was kept to measure with only.",
                "{count} images are in more than one list; they were kept to measure with only.",
            )
            findings.add("warn", "in-both-splits", message, shown)
        elif len(same) > 1:
            listed_twice(findings, shown)
        kept.append(same[-1])
    return kept


def _report_unlisted(upload: Upload, rows: list[_Row], lists: dict[str, Entry], findings: Findings) -> None:
    listed = {row.entry.path for row in rows}
    known = {entry.path for entry in lists.values()}
    for entry in upload.entries:
        if entry.path in listed or entry.path in known:
            continue
        if names.is_image(entry.path):
            message = msg_n(
                "{count} image is in no list and was left out.",
                "{count} images are in no list and were left out.",
            )
            findings.add("info", "unlisted-images", message, names.show(entry.path))


def _listing(rows: list[_Row], names_by_id: dict[int, str] | None, findings: Findings) -> Listing:
    class_names, new_ids = named_classes({row.label for row in rows}, names_by_id, findings)
    splits = {row.split for row in rows}
    split_given = TRAIN in splits and len(splits) > 1
    if not split_given:
        message = msg("No list but train.txt names a usable image, so the split was drawn here.")
        findings.add("info", "no-val-list", message)
    samples = [Sample(row.entry, new_ids[row.label], row.split if split_given else None) for row in rows]
    return Listing(LAYOUT, class_names, samples, split_given)
