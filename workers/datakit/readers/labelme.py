"""LabelMe: one JSON file per image, with shapes drawn on it or flags for the whole image."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import math
from collections.abc import Iterator
from typing import Any

from workers.contract.messages import msg, msg_n
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .annotated import refuse_unread
from .boxed import Box, BoxedImages, around, number, report_missing, size_of
from .finder import ImageFinder
from .label_names import named_in
from .labelled import LabelledImages
from .listing import MAX_LIST_BYTES, Listing
from .noticed import bad_json, outline_boxed, shape_left_out, shape_without_label
from .reading import Reading
from .splits import split_of_path
from .texts import by_suffix, folder_of, parse_json, read_text, stem
from .upload import Upload

LAYOUT, FLAGS_LAYOUT = "LabelMe", msg("LabelMe flags")
MAX_LOOKED_AT = 20
_SPLIT_LISTS = {"train_anno_list.txt": "train", "val_anno_list.txt": "val", "test_anno_list.txt": "test"}
_BOXED_OUTLINES = ("polygon", "mask")


def looks_like_labelme(upload: Upload) -> str | None:
    """Return the path of a JSON file with shapes or flags, if one of the first few has any."""
    for entry in by_suffix(upload, ".json")[:MAX_LOOKED_AT]:
        if entry.size > MAX_LIST_BYTES:
            continue
        content = upload.read(entry, MAX_LIST_BYTES)
        if b'"imagePath"' in content and (b'"shapes"' in content or b'"flags"' in content):
            return entry.path
    return None


@dataclasses.dataclass(slots=True)
class _Annotation:
    file: Entry
    image: Entry
    split: str | None
    content: dict[str, Any]


def read_labelme(upload: Upload, reading: Reading) -> Listing:
    """Read boxes or flags, whichever there is; raise InputError if there are both."""
    shapes, flags = _what_is_used(upload)
    if shapes and flags:
        raise InputError(
            msg(
                "The upload holds LabelMe shapes ({shapes}) and LabelMe flags ({flags}): choose the "
                "format labelme-boxes or labelme-flags.",
                shapes=names.show(shapes),
                flags=names.show(flags),
            )
        )
    return read_labelme_flags(upload, reading) if flags else read_labelme_boxes(upload, reading)


def read_labelme_boxes(upload: Upload, reading: Reading) -> Listing:
    findings = reading.findings
    images = BoxedImages(findings)
    for annotation in _annotations(upload, reading):
        content = annotation.content
        declared = size_of(content.get("imageWidth"), content.get("imageHeight"))
        images.add(annotation.image, annotation.split, _boxes(annotation, findings), declared)
    # LabelMe applies an image's EXIF rotation before anything is drawn on it.
    return images.listing(upload, LAYOUT, named_in(upload, ("label.txt", "labels.txt")), upright=True)


def read_labelme_flags(upload: Upload, reading: Reading) -> Listing:
    findings = reading.findings
    images = LabelledImages(findings)
    for annotation in _annotations(upload, reading):
        raised = _raised(annotation.content)
        if len(raised) == 1:
            images.add(annotation.image, raised[0], annotation.split)
            continue
        shown = names.show(annotation.file.path)
        if raised:
            message = msg_n(
                "{count} image has more than one flag and was left out: keep one flag.",
                "{count} images have more than one flag and were left out: keep one flag for each.",
            )
            findings.add("warn", "two-labels", message, f"{shown}: {', '.join(map(names.show, raised))}")
        else:
            findings.add(
                "warn",
                "no-flag",
                msg_n(
                    "{count} image has no flag and was left out.",
                    "{count} images have no flag and were left out.",
                ),
                shown,
            )
    return images.listing(upload, FLAGS_LAYOUT, named_in(upload, ("flags.txt", "label.txt")))


def _what_is_used(upload: Upload) -> tuple[str | None, str | None]:
    """Return the path of a file with shapes and of one with a set flag, None if there is none."""
    shapes = flags = None
    for file in by_suffix(upload, ".json"):
        content = _parsed(upload, file, Reading("", ""))  # reported when they are actually read
        if content is not None:
            shapes = shapes or (file.path if content.get("shapes") else None)
            flags = flags or (file.path if _raised(content) else None)
        if shapes and flags:
            break
    return shapes, flags


def _raised(content: dict[str, Any]) -> list[str]:
    flags = content.get("flags")
    return [name for name, value in flags.items() if value is True] if isinstance(flags, dict) else []


def _annotations(upload: Upload, reading: Reading) -> Iterator[_Annotation]:
    """Yield the annotations whose image exists. Raises InputError if no file can be read at all."""
    finder = upload.finder
    splits = _listed_splits(upload)
    for file in by_suffix(upload, ".json"):
        content = _parsed(upload, file, reading)
        if content is None:
            continue
        reading.files.add(file.path)
        split = splits.get(stem(file.path)) if splits else split_of_path(file.path)
        image = _image(file, content, finder, split)
        if image is None:
            report_missing(reading.findings, str(content.get("imagePath") or file.path))
            continue
        yield _Annotation(file, image, split or (None if splits else split_of_path(image.path)), content)
    if not reading.files:
        refuse_unread(reading, "JSON")


def _parsed(upload: Upload, file: Entry, reading: Reading) -> dict[str, Any] | None:
    content = upload.read(file, MAX_LIST_BYTES)
    try:
        parsed = parse_json(content, file)
    except InputError as error:
        bad_json(reading.findings, names.show(str(error)))
        reading.cannot_read(file.path, str(error))
        return None
    if isinstance(parsed, dict) and ("shapes" in parsed or "flags" in parsed):
        return parsed
    reading.findings.add(
        "info",
        "other-json",
        msg_n(
            "{count} JSON file is no annotation of images.",
            "{count} JSON files are no annotations of images.",
        ),
        names.show(file.path),
    )
    return None


def _image(file: Entry, content: dict[str, Any], finder: ImageFinder, split: str | None) -> Entry | None:
    """Find the image by the path in the file, by the file's own name, or use the embedded one."""
    written, near = content.get("imagePath"), folder_of(file.path)
    found = finder.find_anywhere(written, near, split) if isinstance(written, str) and written else None
    found = found or finder.named(stem(file.path), near, split)
    if found is None and content.get("imageData"):
        return dataclasses.replace(file, derive=embedded_image)
    return found


def embedded_image(content: bytes) -> bytes:
    """Return the image embedded in a LabelMe file; empty if it cannot be decoded."""
    try:
        return base64.b64decode(json.loads(content)["imageData"])
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        return b""


def _boxes(annotation: _Annotation, findings: Findings) -> Iterator[Box]:
    shapes = annotation.content.get("shapes")
    shown = names.show(annotation.file.path)
    for shape in shapes if isinstance(shapes, list) else ():
        if not isinstance(shape, dict) or not str(shape.get("label") or "").strip():
            shape_without_label(findings, shown)
            continue
        kind = shape.get("shape_type") or "polygon"
        place = _place(kind, shape.get("points"))
        if place is None:
            shape_left_out(findings, f"{shown}: {names.show(str(kind))}")
            continue
        if kind in _BOXED_OUTLINES:
            outline_boxed(findings, shown)
        yield (str(shape["label"]).strip(), *place)


def _place(kind: str, points: Any) -> tuple[float, float, float, float] | None:
    """Return left, top, width, height of a shape; None if it has no area."""
    if not isinstance(points, list):
        return (math.nan,) * 4
    if kind == "circle" and len(points) == 2:
        left, top, width, height = around(points)
        if math.isnan(left):
            return (math.nan,) * 4
        radius = math.hypot(width, height)
        x, y = number(points[0][0]), number(points[0][1])
        return x - radius, y - radius, 2 * radius, 2 * radius
    if kind in ("rectangle", *_BOXED_OUTLINES, "oriented_rectangle"):
        return around(points)
    return None


def _listed_splits(upload: Upload) -> dict[str, str]:
    """Return {annotation name without suffix: split} of PaddleX's lists of LabelMe files."""
    listed: dict[str, str] = {}
    for entry in by_suffix(upload, *_SPLIT_LISTS):
        side = _SPLIT_LISTS.get(entry.path.rpartition("/")[2].lower())
        for line in read_text(upload, entry).splitlines() if side else ():
            if line.strip():
                listed[stem(names.normal_separators(line.strip()))] = side
    return listed
