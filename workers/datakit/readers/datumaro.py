"""Datumaro's JSON: one file per subset, with items that have labels, boxes or outlines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workers.contract.messages import msg
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .annotated import BOXES, LABELS, AnnotatedImages, Files, json_exports, members
from .boxed import Box, around, number, report_missing, size_of
from .listing import Listing
from .noticed import object_without_box, outline_boxed, shape_left_out
from .reading import Reading
from .splits import split_of_path
from .texts import folder_of, stem
from .upload import Upload

LAYOUT, KEY = "Datumaro", "datumaro"


def _looks_like_datumaro(head: bytes) -> bool:
    return head.startswith(b"{") and all(mark in head for mark in (b'"items"', b'"categories"', b'"label"'))


def datumaro_files(upload: Upload) -> list[Entry]:
    return json_exports(upload, _looks_like_datumaro)


def looks_like_datumaro(upload: Upload) -> str | None:
    return next((entry.path for entry in datumaro_files(upload)), None)


def read_datumaro(upload: Upload, reading: Reading, wanted: str | None = None) -> Listing:
    images = AnnotatedImages(reading)
    order: list[str] = []

    def read(file: Entry) -> None:
        class_names = _class_names(upload, file)
        order.extend(class_names)
        for key, item in members(upload, file):
            if key == "items" and isinstance(item, dict):
                _take(item, class_names, file, upload, images, reading.findings)

    Files(reading, datumaro_files(upload)).each(read)
    return images.listing(upload, LAYOUT, KEY, order, wanted)


def read_datumaro_boxes(upload: Upload, reading: Reading) -> Listing:
    return read_datumaro(upload, reading, BOXES)


def read_datumaro_labels(upload: Upload, reading: Reading) -> Listing:
    return read_datumaro(upload, reading, LABELS)


def _class_names(upload: Upload, file: Entry) -> list[str]:
    """Return the names of the file's labels, by id; they come before its items or after them."""
    for key, value in members(upload, file):
        if key == "categories" and isinstance(value, dict):
            label = value.get("label")
            rows = label.get("labels") if isinstance(label, dict) else None
            if isinstance(rows, list):
                return [str(row.get("name") or "") if isinstance(row, dict) else "" for row in rows]
    raise InputError(
        msg("{path} names no labels, as a Datumaro file must: export it again.", path=names.show(file.path))
    )


def _take(
    item: dict[str, Any],
    class_names: list[str],
    file: Entry,
    upload: Upload,
    images: AnnotatedImages,
    findings: Findings,
) -> None:
    split = split_of_path(file.path)
    entry, size = _image(item, file, upload, split)
    if entry is None:
        report_missing(findings, str(item.get("id") or file.path))
        return
    rows = [row for row in _listed(item.get("annotations")) if isinstance(row, dict)]
    labels = [name for row in rows if row.get("type") == "label" and (name := _name(row, class_names))]
    boxes = list(_boxes(rows, class_names, images.of_boxes, file))
    images.add(entry, split or split_of_path(entry.path), labels, boxes, size)


def _image(
    item: dict[str, Any], file: Entry, upload: Upload, split: str | None
) -> tuple[Entry | None, tuple[int, int] | None]:
    """Find the image by the item's path, below a folder of the subset's name, or by the item's id."""
    image = item.get("image") if isinstance(item.get("image"), dict) else {}
    written, near = image.get("path"), folder_of(file.path)
    found = None
    if isinstance(written, str) and written:
        found = upload.finder.find_anywhere(f"{stem(file.path)}/{written}", near, split)
    if found is None and isinstance(item.get("id"), str):
        found = upload.finder.named(
            stem(item["id"]) if names.is_image(item["id"]) else item["id"], near, split
        )
    size = image.get("size")
    return found, size_of(size[1], size[0]) if isinstance(size, list) and len(size) == 2 else None


def _name(row: dict[str, Any], class_names: list[str]) -> str | None:
    label = row.get("label_id")
    if isinstance(label, int) and not isinstance(label, bool) and 0 <= label < len(class_names):
        return class_names[label] or None
    return None


def _boxes(
    rows: list[dict[str, Any]], class_names: list[str], findings: Findings, file: Entry
) -> Iterator[Box]:
    shown = names.show(file.path)
    for row in rows:
        kind, place = row.get("type"), None
        if kind == "bbox":
            values = _listed(row.get("bbox"))
            place = tuple(map(number, values)) if len(values) == 4 else None
        elif kind == "polygon":
            points = _listed(row.get("points"))
            place = around(zip(points[::2], points[1::2], strict=False))
            outline_boxed(findings, f"{shown}: {kind}")
        elif kind == "label":
            continue
        else:
            shape_left_out(findings, f"{shown}: {names.show(str(kind))}")
            continue
        name = _name(row, class_names)
        if name is None or place is None:
            object_without_box(findings, shown)
            continue
        yield (name, *place)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
