"""COCO: JSON files with images, annotations and categories; images in any folder."""

from __future__ import annotations

from typing import Any

from portal.datasets import names
from portal.datasets.archive import Archive, Entry
from portal.datasets.errors import InputError
from portal.datasets.findings import Findings

from .boxed import Box, BoxedImages, around, number, report_missing, size_of
from .finder import ImageFinder
from .listing import MAX_LIST_BYTES, Listing
from .splits import split_of_path
from .texts import by_suffix, folder_of, parse_json

LAYOUT = "COCO"
MAX_ANNOTATION_BYTES = 256 * 1024 * 1024
# An upload with more JSON files than this is not searched to the end: a COCO file is among the largest.
MAX_LOOKED_AT = 40
_KEYS = (b'"images"', b'"annotations"', b'"categories"')


def coco_files(archive: Archive) -> list[Entry]:
    """Return the JSON files that hold COCO boxes: those called instance… where there are any."""
    found = by_suffix(archive, ".json")
    found.sort(key=lambda entry: (-entry.size, entry.path))
    files = []
    for entry in found[:MAX_LOOKED_AT]:
        # One too large to read is too large for any other layout as well: reading it says so.
        if entry.size > MAX_LIST_BYTES or all(key in archive.read(entry, MAX_LIST_BYTES) for key in _KEYS):
            files.append(entry)
    instances = [entry for entry in files if entry.path.rpartition("/")[2].lower().startswith("instance")]
    return sorted(instances or files, key=lambda entry: names.natural_key(entry.path))


def read_coco(archive: Archive, findings: Findings) -> Listing:
    images = BoxedImages(findings)
    finder = ImageFinder(archive.entries)
    class_names: list[str] = []
    for file in coco_files(archive):
        content = parse_json(archive.read(file, MAX_ANNOTATION_BYTES), file, object_hook=_slim)
        categories = _categories(content, file, findings)
        class_names += categories.values()
        _read_file(content, file, categories, finder, images, findings)
    return images.listing(archive, LAYOUT, class_names)


def _slim(found: dict[str, Any]) -> dict[str, Any]:
    """Drop an annotation's outline while the file is parsed: it is most of the file and is not used."""
    outline = found.pop("segmentation", None)
    if outline and isinstance(outline, list) and not found.get("bbox"):
        flat = [value for part in outline if isinstance(part, list) for value in part]
        found["bbox"] = list(around(zip(flat[::2], flat[1::2], strict=False)))
    return found


def _rows(content: Any, key: str, file: Entry) -> list[dict[str, Any]]:
    rows = content.get(key) if isinstance(content, dict) else None
    if not isinstance(rows, list):
        raise InputError(
            f"{names.show(file.path)} has no list called {key!r}, as a COCO file must: export it again."
        )
    return [row for row in rows if isinstance(row, dict)]


def _categories(content: Any, file: Entry, findings: Findings) -> dict[str, str]:
    """Return {category id as text: class name}, in the order of ids."""
    found: dict[str, str] = {}
    for row in _rows(content, "categories", file):
        name = row.get("name")
        if isinstance(name, str) and name.strip():
            found[_id(row.get("id"), findings)] = names.check_class_name(name.strip())
    twice = len(found) - len(set(found.values()))
    if twice:
        message = "{count} categories have the name of another one and were merged with it."
        findings.add("warn", "same-category-twice", message, names.show(file.path), twice)
    return dict(sorted(found.items(), key=lambda item: names.natural_key(item[0])))


def _id(value: Any, findings: Findings) -> str:
    """Return an id as text, so that 7, 7.0 and "7" are one."""
    if isinstance(value, str):
        message = "{count} ids are texts, not numbers, and were read as if they were numbers."
        findings.add("info", "ids-as-text", message, names.show(value))
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def _read_file(
    content: Any,
    file: Entry,
    categories: dict[str, str],
    finder: ImageFinder,
    images: BoxedImages,
    findings: Findings,
) -> None:
    boxes: dict[str, list[Box]] = {}
    for row in _rows(content, "annotations", file):
        box = _box(row, categories, findings)
        if box is not None:
            boxes.setdefault(_id(row.get("image_id"), findings), []).append(box)
    content["annotations"] = []
    split = split_of_path(file.path)
    seen = set()
    for row in _rows(content, "images", file):
        image_id, written = _id(row.get("id"), findings), row.get("file_name")
        if image_id in seen:
            message = "{count} images have the id of another one and were left out."
            findings.add("warn", "same-image-id", message, names.show(f"{written} ({image_id})"))
            continue
        seen.add(image_id)
        near = folder_of(file.path)
        entry = finder.find_anywhere(written, near, split) if isinstance(written, str) else None
        if entry is None:
            report_missing(findings, str(written))
            continue
        declared = size_of(row.get("width"), row.get("height"))
        images.add(entry, split or split_of_path(entry.path), boxes.get(image_id, ()), declared)
    for image_id in boxes.keys() - seen:
        message = "{count} images that annotations belong to are not in the list of images."
        findings.add("warn", "annotations-without-image", message, f"image id {names.show(image_id)}")


def _box(row: dict[str, Any], categories: dict[str, str], findings: Findings) -> Box | None:
    if row.get("iscrowd") == 1:
        message = "{count} annotations of crowds were left out."
        findings.add("info", "crowds-left-out", message)
        return None
    category = _id(row.get("category_id"), findings)
    name = categories.get(category)
    if name is None:
        message = "{count} boxes have a category that the file does not name, and were left out: name it."
        findings.add("block", "unknown-categories", message, f"category id {names.show(category)}")
        return None
    place = row.get("bbox")
    if not isinstance(place, list) or len(place) != 4:
        message = "{count} annotations have no box of four numbers and were left out."
        example = names.show(f"annotation {row.get('id')}")
        findings.add("warn", "annotations-without-box", message, example)
        return None
    return (name, *map(number, place))
