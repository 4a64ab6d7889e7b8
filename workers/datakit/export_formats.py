"""The export formats. A format is a function from a stored version to its files.

They write what the readers of the same name read: an export that is uploaded again gives the same version.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any
from xml.sax.saxutils import escape

from workers.contract.messages import msg

from . import coco_json, names, sources
from .stored import ExportError, Stored

File = tuple[str, Iterable[bytes]]  # path in the zip, content in blocks


def check_folder_names(class_names: Sequence[str]) -> None:
    for name in class_names:
        if "/" in name or "\\" in name or names.is_junk(name) or name != name.strip():
            raise ExportError(
                msg(
                    "The class {name} cannot be the name of a folder: export as paddlex or csv, or "
                    "rename the class.",
                    name=repr(names.show(name)),
                )
            )


def class_folders(stored: Stored) -> Iterator[File]:
    for record, content in stored.images():
        yield f"{record['split']}/{record['label']}/{record['file']}", content


def csv_table(stored: Stored) -> Iterator[File]:
    yield from _pictures(stored)
    more = sources.FIELDS if any("source" in record for record in stored.records()) else ()
    rows = ((r["name"], r["label"], r["split"], *_source(r, more)) for r in stored.records())
    yield "labels.csv", (_csv_line(row) for row in (("path", "label", "split", *more), *rows))


def _source(record: dict[str, Any], fields: Sequence[str]) -> Iterator[str]:
    """Where an image came from, as columns; empty for one that came from no device."""
    return (record.get("source", {}).get(name, "") for name in fields)


def _csv_line(row: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(row)
    return line.getvalue().encode("utf-8")


def paddlex_lists(stored: Stored) -> Iterator[File]:
    yield from _pictures(stored)
    for split in stored.splits:
        yield f"{split}.txt", _lines(f"{r['name']} {r['class_id']}" for r in stored.records(split))
    yield "label.txt", _lines(f"{class_id} {name}" for class_id, name in enumerate(stored.class_names))


def labelme_flags(stored: Stored) -> Iterator[File]:
    for record, content in stored.images():
        yield f"{record['split']}/{record['file']}", content
        yield _labelme(record, {record["label"]: True}, [])
    yield "flags.txt", _lines(stored.class_names)


def labelme_boxes(stored: Stored) -> Iterator[File]:
    for record, content in stored.images():
        yield f"{record['split']}/{record['file']}", content
        shapes = [
            {
                "label": stored.class_names[class_id],
                "points": [[x, y], [_sum(x, width), _sum(y, height)]],
                "group_id": None,
                "shape_type": "rectangle",
                "flags": {},
            }
            for class_id, x, y, width, height in record["boxes"]
        ]
        yield _labelme(record, {}, shapes)
    yield "label.txt", _lines(stored.class_names)


def _labelme(record: dict[str, Any], flags: dict[str, bool], shapes: list[dict[str, Any]]) -> File:
    whole = {
        "version": "5.5.0",
        "flags": flags,
        "shapes": shapes,
        "imagePath": record["file"],
        "imageData": None,
        "imageHeight": record["height"],
        "imageWidth": record["width"],
    }
    path = f"{record['split']}/{record['file'].rpartition('.')[0]}.json"
    return path, [json.dumps(whole, ensure_ascii=False, indent=1).encode("utf-8")]


def coco(stored: Stored) -> Iterator[File]:
    return _coco(stored, "annotations/instances_{}.json")


def paddlex_coco(stored: Stored) -> Iterator[File]:
    """The format of PaddleX's object detection module."""
    return _coco(stored, coco_json.STAGED)


def _coco(stored: Stored, path: str) -> Iterator[File]:
    yield from _pictures(stored)
    for split in stored.splits:
        yield path.format(split), coco_json.lines(stored.class_names, partial(stored.records, split), 1)


def voc(stored: Stored) -> Iterator[File]:
    for record, content in stored.images():
        stem = record["file"].rpartition(".")[0]
        yield f"JPEGImages/{record['file']}", content
        yield f"Annotations/{stem}.xml", [_voc_file(record, stored.class_names)]
    for split in stored.splits:
        listed = _lines(r["file"].rpartition(".")[0] for r in stored.records(split))
        yield f"ImageSets/Main/{split}.txt", listed
    yield "labels.txt", _lines(f"{class_id} {name}" for class_id, name in enumerate(stored.class_names))


def _voc_file(record: dict[str, Any], class_names: Sequence[str]) -> bytes:
    lines = [
        "<annotation>",
        "  <folder>JPEGImages</folder>",
        f"  <filename>{record['file']}</filename>",
        f"  <size><width>{record['width']}</width><height>{record['height']}</height><depth>3</depth></size>",
        "  <segmented>0</segmented>",
    ]
    for class_id, x, y, width, height in record["boxes"]:
        corners = zip(("xmin", "ymin", "xmax", "ymax"), (x, y, _sum(x, width), _sum(y, height)), strict=True)
        box = "".join(f"<{tag}>{value}</{tag}>" for tag, value in corners)
        lines.append(
            f"  <object><name>{escape(class_names[class_id])}</name><pose>Unspecified</pose>"
            f"<truncated>0</truncated><difficult>0</difficult><bndbox>{box}</bndbox></object>"
        )
    return "\n".join([*lines, "</annotation>", ""]).encode("utf-8")


def yolo(stored: Stored) -> Iterator[File]:
    for record, content in stored.images():
        split, stem = record["split"], record["file"].rpartition(".")[0]
        yield f"images/{split}/{record['file']}", content
        yield f"labels/{split}/{stem}.txt", _lines(map(_yolo_line(record), record["boxes"]))
    # JSON is YAML, and quotes a name like `no` or `1`.
    listed = json.dumps(list(stored.class_names), ensure_ascii=False)
    head = ["path: .", *(f"{split}: images/{split}" for split in stored.splits)]
    yield "data.yaml", _lines([*head, f"nc: {len(stored.class_names)}", f"names: {listed}"])


def _yolo_line(record: dict[str, Any]):
    width, height = record["width"], record["height"]

    def line(box: Sequence[float]) -> str:
        class_id, x, y, w, h = box
        parts = ((x + w / 2) / width, (y + h / 2) / height, w / width, h / height)
        return f"{class_id} " + " ".join(f"{part:.10g}" for part in parts)

    return line


def _pictures(stored: Stored) -> Iterator[File]:
    for record, content in stored.images():
        yield record["name"], content


def _lines(lines: Iterable[str]) -> Iterator[bytes]:
    return ((line + "\n").encode("utf-8") for line in lines)


def _sum(start: float, length: float) -> float:
    """Return a right or bottom edge to a hundredth, as boxes are stored."""
    total = round(start + length, 2)
    return int(total) if total == int(total) else total
