"""COCO: JSON files with images, annotations and categories; images in any folder."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

from workers.contract.messages import msg, msg_n
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .addresses import path_of
from .annotated import BOXES, AnnotatedImages, Files
from .boxed import Box, around, number, report_missing, size_of
from .finder import ImageFinder
from .jsonstream import Members
from .listing import MAX_LIST_BYTES, Listing
from .reading import Reading
from .splits import split_of_path
from .texts import by_suffix, folder_of, not_json
from .upload import Upload

LAYOUT = "COCO"
# The largest file of COCO 2017 has 448 MB.
MAX_ANNOTATION_BYTES = 512 * 1024 * 1024
# In an upload with more JSON files than this, not all are checked: a COCO file is among the largest.
MAX_LOOKED_AT = 40
_IMAGE_KEYS = ("id", "file_name", "width", "height")
_KEYS = (b'"images"', b'"annotations"', b'"categories"')


def coco_files(upload: Upload) -> list[Entry]:
    """Return the JSON files with COCO boxes: those named instance… if there are any."""
    found = by_suffix(upload, ".json")
    found.sort(key=lambda entry: (-entry.size, entry.path))
    files = []
    for entry in found[:MAX_LOOKED_AT]:
        # A file too large to read is too large for any other format too: reading it reports that.
        if entry.size > MAX_LIST_BYTES or _holds(upload, entry, _KEYS):
            files.append(entry)
    instances = [entry for entry in files if entry.path.rpartition("/")[2].lower().startswith("instance")]
    return sorted(instances or files, key=lambda entry: names.natural_key(entry.path))


def _holds(upload: Upload, entry: Entry, words: Sequence[bytes]) -> bool:
    """Whether the file contains all the words."""
    missing, carried = set(words), b""
    for block in upload.blocks(entry, MAX_LIST_BYTES):
        text = carried + block
        missing = {word for word in missing if word not in text}
        if not missing:
            return True
        carried = text[-max(map(len, words)) :]
    return False


def read_coco(upload: Upload, reading: Reading) -> Listing:
    findings = reading.findings
    images = AnnotatedImages(reading)
    finder = upload.finder
    class_names: list[str] = []

    def read(file: Entry) -> None:
        content = _Content(upload, file, images.of_boxes)
        categories = _categories(content.categories, file, findings)
        class_names.extend(categories.values())
        _read_file(content, file, categories, finder, images, findings)

    Files(reading, coco_files(upload)).each(read)
    return images.listing(upload, LAYOUT, "coco", class_names, wanted=BOXES if images.have_boxes else None)


class _Content:
    """A file's three lists: images and categories in full, of annotations only the boxes."""

    def __init__(self, upload: Upload, file: Entry, findings: Findings):
        self.images: list[tuple[Any, ...]] = []  # as in _IMAGE_KEYS
        self.categories: list[dict[str, Any]] = []
        self.annotations = _Annotations(findings)
        encoding = upload.encoding(file, MAX_ANNOTATION_BYTES)
        members = Members(upload.blocks(file, MAX_ANNOTATION_BYTES), encoding)
        try:
            for key, value in members:
                if key in members.lists and isinstance(value, dict):
                    self._take(key, value)
        except (ValueError, RecursionError) as error:
            raise not_json(file, error) from error
        for key in ("annotations", "images", "categories"):
            if key not in members.lists:
                raise InputError(
                    msg(
                        "{path} has no list called {key}, as a COCO file must: export it again.",
                        path=names.show(file.path),
                        key=repr(key),
                    )
                )
        if self.annotations.panoptic and not self.annotations.image_ids:
            raise InputError(
                msg(
                    "{path} holds the segments of whole images (panoptic), which are not supported yet: "
                    "export boxes.",
                    path=names.show(file.path),
                )
            )

    def _take(self, key: str, value: dict[str, Any]) -> None:
        if key == "annotations":
            self.annotations.take(value)
        elif key == "images":
            self.images.append(tuple(value.get(name) for name in _IMAGE_KEYS))
            if not value.get("file_name") and isinstance(value.get("coco_url"), str):  # LVIS
                self.images[-1] = (value.get("id"), path_of(value["coco_url"]), *self.images[-1][2:])
        elif key == "categories":
            self.categories.append(value)


class _Annotations:
    """Collects boxes while a file is read, so that its millions of objects are never in memory together."""

    def __init__(self, findings: Findings):
        self._findings = findings
        self._numbers: dict[str, int] = {}  # category id: its number here
        self._boxes: dict[str, array[float]] = {}  # image id: (number of the category, box) flat
        self._labels: dict[str, array[int]] = {}  # image id: numbers of categories without a box
        self.panoptic = False

    @property
    def image_ids(self) -> set[str]:
        return self._boxes.keys() | self._labels.keys()

    def take(self, row: dict[str, Any]) -> None:
        self.panoptic = self.panoptic or "segments_info" in row
        if "image_id" not in row or "category_id" not in row:
            return
        if row.get("iscrowd") == 1:
            message = msg_n(
                "{count} annotation of crowds was left out.", "{count} annotations of crowds were left out."
            )
            self._findings.add("info", "crowds-left-out", message)
            return
        category = _id(row["category_id"], self._findings)
        kind = self._numbers.setdefault(category, len(self._numbers))
        place = row.get("bbox") or _outline(row.get("segmentation"))
        if not place:  # a class of the whole image, if none has a box
            self._labels.setdefault(_id(row["image_id"], self._findings), array("q")).append(kind)
        if not isinstance(place, list | tuple) or len(place) != 4:
            message = msg_n(
                "{count} annotation has no box of four numbers and was left out.",
                "{count} annotations have no box of four numbers and were left out.",
            )
            example = msg("annotation {id}", id=names.show(str(row.get("id"))))
            self._findings.add("warn", "annotations-without-box", message, example)
            return
        boxes = self._boxes.setdefault(_id(row["image_id"], self._findings), array("d"))
        boxes.extend((kind, *map(number, place)))

    def boxes(self, image_id: str, categories: dict[str, str]) -> Iterator[Box]:
        ids = list(self._numbers)
        flat = self._boxes.get(image_id, ())
        for start in range(0, len(flat), 5):
            category = ids[int(flat[start])]
            if category in categories:
                yield (categories[category], *flat[start + 1 : start + 5])
                continue
            message = msg_n(
                "{count} box has a category that the file does not name, and was left out: name it.",
                "{count} boxes have a category that the file does not name, and were left out: name it.",
            )
            example = msg("category id {id}", id=names.show(category))
            self._findings.add("error", "unknown-categories", message, example)

    def labels(self, image_id: str, categories: dict[str, str]) -> list[str]:
        ids = list(self._numbers)
        found = (ids[kind] for kind in self._labels.get(image_id, ()))
        return [categories[category] for category in found if category in categories]


def _outline(outline: Any) -> tuple[float, ...] | None:
    """Return the bounding box of an annotation's outline, if it has no box."""
    parts = [part for part in outline if isinstance(part, list)] if isinstance(outline, list) else []
    flat = [value for part in parts for value in part]
    return around(zip(flat[::2], flat[1::2], strict=False)) if flat else None


def _categories(rows: list[dict[str, Any]], file: Entry, findings: Findings) -> dict[str, str]:
    """Return {category id as text: class name}, in the order of ids."""
    found: dict[str, str] = {}
    for row in rows:
        name = row.get("name")
        if isinstance(name, str) and name.strip():
            found[_id(row.get("id"), findings)] = names.check_class_name(name.strip())
    twice = len(found) - len(set(found.values()))
    if twice:
        message = msg_n(
            "{count} category has the name of another one and was merged with it.",
            "{count} categories have the name of another one and were merged with it.",
        )
        findings.add("warn", "same-category-twice", message, names.show(file.path), twice)
    return dict(sorted(found.items(), key=lambda item: names.natural_key(item[0])))


def _id(value: Any, findings: Findings) -> str:
    """Return an id as text, so that 7, 7.0 and "7" are equal."""
    if isinstance(value, str):
        message = msg_n(
            "{count} id is a text, not a number, and was read as if it were a number.",
            "{count} ids are texts, not numbers, and were read as if they were numbers.",
        )
        findings.add("info", "ids-as-text", message, names.show(value))
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def _read_file(
    content: _Content,
    file: Entry,
    categories: dict[str, str],
    finder: ImageFinder,
    images: AnnotatedImages,
    findings: Findings,
) -> None:
    split, near = split_of_path(file.path), folder_of(file.path)
    seen = set()
    for written_id, written, width, height in content.images:
        image_id = _id(written_id, findings)
        if image_id in seen:
            message = msg_n(
                "{count} image has the id of another one and was left out.",
                "{count} images have the id of another one and were left out.",
            )
            findings.add("warn", "same-image-id", message, names.show(f"{written} ({image_id})"))
            continue
        seen.add(image_id)
        entry = finder.find_anywhere(written, near, split) if isinstance(written, str) else None
        if entry is None:
            report_missing(findings, str(written))
            continue
        declared = size_of(width, height)
        labels = content.annotations.labels(image_id, categories)
        boxes = content.annotations.boxes(image_id, categories)
        images.add(entry, split or split_of_path(entry.path), labels, boxes, declared)
    for image_id in content.annotations.image_ids - seen:
        message = msg_n(
            "{count} image that annotations belong to is not in the list of images.",
            "{count} images that annotations belong to are not in the list of images.",
        )
        findings.add(
            "warn",
            "annotations-without-image",
            message,
            msg("image id {id}", id=names.show(image_id)),
        )
