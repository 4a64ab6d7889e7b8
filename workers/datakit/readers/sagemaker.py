"""SageMaker Ground Truth's output manifest: one JSON object per line, with an image and the answers of jobs.

``source-ref`` names the image. Beside each answer is its ``-metadata`` with a ``type``: image classification
and object detection are supported. Boxes are in pixels, from the top left corner.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from workers.contract.messages import msg
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .addresses import path_of
from .annotated import BOXES, LABELS, MAX_EXPORT_BYTES, AnnotatedImages, Files, json_exports
from .boxed import Box, number, report_missing, size_of
from .listing import Listing
from .noticed import object_without_box
from .reading import Reading
from .splits import split_of_path
from .tables import records_of
from .texts import folder_of
from .upload import Upload

LAYOUT, KEY = "SageMaker Ground Truth", "sagemaker"
SOURCE, METADATA = "source-ref", "-metadata"
_TYPE = "groundtruth/"
_CLASSES, _BOXES = "image-classification", "object-detection"


def is_manifest(titles: Iterable[str]) -> bool:
    """Whether the keys are those of a manifest line."""
    titles = list(titles)
    return SOURCE in titles and any(title.endswith(METADATA) for title in titles)


def manifests(upload: Upload) -> list[Entry]:
    return json_exports(
        upload,
        lambda head: head.startswith(b"{") and b'"source-ref"' in head and b'-metadata"' in head,
        ".manifest",
        ".jsonl",
        ".json",
    )


def looks_like_sagemaker(upload: Upload) -> str | None:
    return next((entry.path for entry in manifests(upload)), None)


def read_sagemaker(upload: Upload, reading: Reading, wanted: str | None = None) -> Listing:
    images = AnnotatedImages(reading)
    other: set[str] = set()

    def read(file: Entry) -> None:
        for row in records_of(upload, file, MAX_EXPORT_BYTES):
            _take(row, file, upload, images, reading.findings, other)

    Files(reading, manifests(upload)).each(read)
    if other and not images.have_any:
        raise InputError(
            msg(
                "The SageMaker manifest holds labels of the kind {kind}, which are not supported yet: "
                "export image classes or boxes.",
                kind=names.show(min(other)),
            )
        )
    return images.listing(upload, LAYOUT, KEY, wanted=wanted)


def read_sagemaker_boxes(upload: Upload, reading: Reading) -> Listing:
    return read_sagemaker(upload, reading, BOXES)


def read_sagemaker_labels(upload: Upload, reading: Reading) -> Listing:
    return read_sagemaker(upload, reading, LABELS)


def _take(
    row: dict[str, Any],
    file: Entry,
    upload: Upload,
    images: AnnotatedImages,
    findings: Findings,
    other: set[str],
) -> None:
    written, split = path_of(str(row.get(SOURCE) or "")), split_of_path(file.path)
    entry = upload.finder.find_anywhere(written, folder_of(file.path), split)
    if entry is None:
        report_missing(findings, written)
        return
    for key, about in row.items():
        kind = str(about.get("type")) if key.endswith(METADATA) and isinstance(about, dict) else ""
        answer, kind = row.get(key.removesuffix(METADATA)), kind.removeprefix(_TYPE)
        where = split or split_of_path(entry.path)
        if kind == _CLASSES:
            images.add(entry, where, _labels(about))
        elif kind == _BOXES and isinstance(answer, dict):
            size = next(iter(_dicts(answer.get("image_size"))), {})
            boxes = list(_boxes(answer, about, images.of_boxes, entry))
            images.add(entry, where, (), boxes, size_of(size.get("width"), size.get("height")))
        elif kind:
            other.add(kind)


def _labels(about: dict[str, Any]) -> list[str]:
    label = about.get("class-name")
    return [label] if isinstance(label, str) else []


def _boxes(answer: dict[str, Any], about: dict[str, Any], findings: Findings, entry: Entry) -> Iterator[Box]:
    called = about.get("class-map")
    for row in _dicts(answer.get("annotations")):
        label = called.get(str(row.get("class_id"))) if isinstance(called, dict) else None
        if not isinstance(label, str) or not label.strip():
            object_without_box(findings, names.show(entry.path))
            continue
        yield (label.strip(), *(number(row.get(key)) for key in ("left", "top", "width", "height")))


def _dicts(listed: Any) -> Iterator[dict[str, Any]]:
    return (row for row in listed if isinstance(row, dict)) if isinstance(listed, list) else iter(())
