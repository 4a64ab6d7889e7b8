"""CreateML: a JSON list of images, each with boxes given by centre and size in pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.findings import Findings

from .annotated import Files, elements, json_exports
from .boxed import Box, BoxedImages, number, report_missing
from .listing import Listing
from .noticed import object_without_box
from .reading import Reading
from .splits import split_of_path
from .texts import folder_of
from .upload import Upload

LAYOUT = "CreateML"


def _looks_like_createml(head: bytes) -> bool:
    marks = (b'"coordinates"', b'"annotation')
    return head.startswith(b"[") and all(mark in head for mark in marks)


def createml_files(upload: Upload) -> list[Entry]:
    return json_exports(upload, _looks_like_createml)


def looks_like_createml(upload: Upload) -> str | None:
    return next((entry.path for entry in createml_files(upload)), None)


def read_createml(upload: Upload, reading: Reading) -> Listing:
    images = BoxedImages(reading.findings)

    def read(file: Entry) -> None:
        split, near = split_of_path(file.path), folder_of(file.path)
        for row in elements(upload, file):
            if not isinstance(row, dict):
                continue
            written = next(
                (row[key] for key in ("image", "imagefilename", "imageFilename") if key in row), None
            )
            entry = upload.finder.find_anywhere(written, near, split) if isinstance(written, str) else None
            if entry is None:
                report_missing(reading.findings, str(written))
                continue
            boxes = list(_boxes(row, reading.findings, entry))
            images.add(entry, split or split_of_path(entry.path), boxes)

    Files(reading, createml_files(upload)).each(read)
    return images.listing(upload, LAYOUT)


def _boxes(row: dict[str, Any], findings: Findings, entry: Entry) -> Iterator[Box]:
    found = row.get("annotations", row.get("annotation"))
    for annotation in found if isinstance(found, list) else ():
        place = annotation.get("coordinates") if isinstance(annotation, dict) else None
        label = str(annotation.get("label") or "").strip() if isinstance(annotation, dict) else ""
        if not isinstance(place, dict) or not label:
            object_without_box(findings, names.show(entry.path))
            continue
        x, y, width, height = (number(place.get(key)) for key in ("x", "y", "width", "height"))
        yield label, x - width / 2, y - height / 2, width, height
