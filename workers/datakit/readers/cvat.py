"""CVAT's own XML: images with their boxes and tags, or tracks of objects over the frames of a video.

Versions 1.0 and 1.1, as described by https://docs.cvat.ai under "CVAT for image" and "CVAT for video".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from workers.contract.messages import msg
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .annotated import BOXES, LABELS, MAX_EXPORT_BYTES, AnnotatedImages, head_of
from .boxed import Box, around, number, report_missing, size_of
from .listing import Listing
from .noticed import bad_xml, outline_boxed, shape_left_out, shape_without_label
from .reading import Reading
from .splits import split_of_path
from .texts import folder_of
from .upload import Upload

LAYOUT, KEY = "CVAT XML", "cvat"
MAX_LOOKED_AT = 40
# A track has a box per frame; this many take 200 MB.
MAX_INSIDE = 300_000
_LEFT_OUT = ("polyline", "points", "cuboid", "skeleton")


def cvat_files(upload: Upload) -> list[Entry]:
    """Return the XML files whose root is ``<annotations>`` with images or tracks."""
    found = sorted(upload.by_suffix(".xml"), key=lambda entry: (-entry.size, entry.path))[:MAX_LOOKED_AT]
    files = [entry for entry in found if _looks_like_cvat(head_of(upload, entry))]
    return sorted(files, key=lambda entry: names.natural_key(entry.path))


def _looks_like_cvat(head: bytes) -> bool:
    return b"<annotations>" in head and any(mark in head for mark in (b"<image ", b"<track ", b"<meta>"))


def looks_like_cvat(upload: Upload) -> str | None:
    return next((entry.path for entry in cvat_files(upload)), None)


def read_cvat(upload: Upload, reading: Reading, wanted: str | None = None) -> Listing:
    images = AnnotatedImages(reading)
    files, failed = cvat_files(upload), []
    for file in files:
        reading.files.add(file.path)
        try:
            _read_file(upload, file, images, reading)
        except InputError as error:
            reading.cannot_read(file.path, str(error))
            bad_xml(reading.findings, names.show(str(error)))
            failed.append(error)
    if failed and len(failed) == len(files):
        raise failed[0]
    return images.listing(upload, LAYOUT, KEY, wanted=wanted)


def read_cvat_boxes(upload: Upload, reading: Reading) -> Listing:
    return read_cvat(upload, reading, BOXES)


def read_cvat_labels(upload: Upload, reading: Reading) -> Listing:
    return read_cvat(upload, reading, LABELS)


def _read_file(upload: Upload, file: Entry, images: AnnotatedImages, reading: Reading) -> None:
    frames: dict[int, list[Box]] = {}
    for element in _elements(upload, file):
        if element.tag == "image":
            _take_image(element, upload, file, images, reading.findings)
        else:
            _take_track(element, frames, images.of_boxes, file)
    if frames:
        _take_frames(frames, upload, file, images, reading.findings)


def _elements(upload: Upload, file: Entry) -> Iterator[Element]:
    """Yield each ``<image>`` and ``<track>``, which is emptied once the next one is requested."""
    shown = names.show(file.path)
    try:
        blocks = _Blocks(upload, file)
        yield from _below_root(iterparse(blocks, events=("start", "end"), forbid_dtd=True), shown)
    except DefusedXmlException as error:
        raise InputError(
            msg(
                "{file} declares a document type or entities, as only XML bombs and web pages do: "
                "export the annotations again without them.",
                file=shown,
            )
        ) from error
    except (ParseError, LookupError, RecursionError, UnicodeError, StopIteration) as error:
        raise InputError(
            msg(
                "{file} is not valid XML ({reason}): export the annotations again.",
                file=shown,
                reason=str(error)[:100],
            )
        ) from error


def _below_root(events: Iterator[tuple[str, Element]], shown: str) -> Iterator[Element]:
    """Keep one child of the root at a time. Raises InputError for one of implausible size."""
    _, root = next(events)
    depth = inside = 0
    for event, element in events:
        depth += 1 if event == "start" else -1
        inside += event == "start"
        if inside > MAX_INSIDE:
            raise InputError(
                msg(
                    "{file} has an image or a track of more than {most} parts: export the annotations again.",
                    file=shown,
                    most=MAX_INSIDE,
                )
            )
        if depth == 0 and event == "end":
            if element.tag in ("image", "track"):
                yield element
            root.clear()
            inside = 0


class _Blocks:
    """A file of the upload as a readable file object."""

    def __init__(self, upload: Upload, file: Entry):
        self._blocks = upload.blocks(file, MAX_EXPORT_BYTES)

    def read(self, size: int = -1) -> bytes:
        """Return the next block, whatever the size: the parser accepts any."""
        return next(self._blocks, b"")

    def close(self) -> None:
        """Nothing to close: the archive stays open."""


def _take_image(
    element: Element, upload: Upload, file: Entry, images: AnnotatedImages, findings: Findings
) -> None:
    written = element.get("name") or ""
    split = split_of_path(element.get("subset") or "") or split_of_path(file.path)
    entry = upload.finder.find_anywhere(written, folder_of(file.path), split)
    if entry is None:
        report_missing(findings, written or file.path)
        return
    labels = [tag.get("label") or "" for tag in element.iter("tag")]
    boxes = [box for shape in element if (box := _box(shape, shape.get("label"), images.of_boxes, file))]
    declared = size_of(element.get("width"), element.get("height"))
    images.add(entry, split or split_of_path(entry.path), labels, boxes, declared)


def _take_track(track: Element, frames: dict[int, list[Box]], findings: Findings, file: Entry) -> None:
    for shape in track:
        frame = number(shape.get("frame"))
        if shape.get("outside") == "1" or not frame.is_integer():
            continue
        box = _box(shape, track.get("label"), findings, file)
        if box is not None:
            frames.setdefault(int(frame), []).append(box)


def _take_frames(
    frames: dict[int, list[Box]], upload: Upload, file: Entry, images: AnnotatedImages, findings: Findings
) -> None:
    """Assign the boxes of each frame to the image that CVAT names after its number, frame_000012.

    Raises InputError if there is none: only a video's own frames can be identified by number.
    """
    missing, near = 0, folder_of(file.path)
    for frame, boxes in sorted(frames.items()):
        entry = upload.finder.named(f"frame_{frame:06d}", near)
        if entry is None:
            missing += 1
            report_missing(findings, msg("{path}: frame {frame}", path=names.show(file.path), frame=frame))
            continue
        images.add(entry, split_of_path(file.path) or split_of_path(entry.path), (), boxes)
    if missing == len(frames):
        raise InputError(
            msg(
                "{file} tells objects by the frames of a video, and no image is called frame_{frame}: export "
                'it again with images, or in the format "CVAT for images".',
                file=names.show(file.path),
                frame=f"{min(frames):06d}",
            )
        )


def _box(shape: Element, label: str | None, findings: Findings, file: Entry) -> Box | None:
    """Return a shape's box, or None if it has none; such a shape is noted."""
    kind, shown = shape.tag, names.show(file.path)
    if kind in _LEFT_OUT:
        shape_left_out(findings, f"{shown}: {kind}")
        return None
    place = _place(shape, kind)
    if place is None:
        return None
    if not (label or "").strip():
        shape_without_label(findings, shown)
        return None
    if kind != "box" or number(shape.get("rotation") or 0) != 0:
        outline_boxed(findings, f"{shown}: {kind}")
    return (label.strip(), *place)


def _place(shape: Element, kind: str) -> tuple[float, float, float, float] | None:
    def value(name: str) -> float:
        return number(shape.get(name))

    if kind == "box":
        corners = [(value("xtl"), value("ytl")), (value("xbr"), value("ybr"))]
        return turned(corners, number(shape.get("rotation") or 0))
    if kind == "polygon":
        return around([point.split(",") for point in (shape.get("points") or "").split(";")])
    if kind == "ellipse":
        x, y, across, down = value("cx"), value("cy"), value("rx"), value("ry")
        return x - across, y - down, 2 * across, 2 * down
    if kind == "mask":
        return value("left"), value("top"), value("width"), value("height")
    return None


def turned(corners: list[tuple[float, float]], degrees: float) -> tuple[float, float, float, float]:
    """Return the bounding box of a box rotated clockwise about its centre."""
    (left, top), (right, bottom) = corners
    if not degrees or not math.isfinite(degrees):
        return left, top, right - left, bottom - top
    x, y, across, down = (left + right) / 2, (top + bottom) / 2, abs(right - left) / 2, abs(bottom - top) / 2
    cosine, sine = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    wide, high = across * cosine + down * sine, across * sine + down * cosine
    return x - wide, y - high, 2 * wide, 2 * high
