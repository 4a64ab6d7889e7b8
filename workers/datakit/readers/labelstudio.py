"""Label Studio's exports: JSON (tasks with annotations), JSON-MIN and CSV (one row per annotation).

Boxes are in percent of the image. Model predictions (``predictions``) and cancelled annotations do not count.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from workers.contract.messages import msg, msg_n
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError

from .addresses import names_image, path_of
from .annotated import BOXES, LABELS, AnnotatedImages, Files, elements, head_of, json_exports
from .boxed import report_missing
from .labelstudio_results import CHOICES, Result, result_of, results_of_task
from .listing import MAX_LIST_BYTES, Listing
from .reading import Reading
from .splits import split_of_path
from .texts import folder_of, read_text
from .upload import Upload

LAYOUT, KEY = "Label Studio", "labelstudio"
# Columns and keys of the flat exports that are not answers to a question.
_ABOUT = frozenset({
    "id", "annotation_id", "annotator", "created_at", "updated_at", "lead_time", "agreement", "project",
    "total_annotations", "cancelled_annotations", "file_upload", "comment_count", "inner_id",
})  # fmt: skip
_FLAT = (b"annotation_id", b"lead_time")


def _looks_like_json(head: bytes) -> bool:
    of_tasks = b'"data"' in head and (b'"annotations"' in head or b'"completions"' in head)
    return head.startswith(b"[") and (of_tasks or any(b'"' + mark + b'"' in head for mark in _FLAT))


def label_studio_files(upload: Upload) -> list[Entry]:
    tables = [entry for entry in upload.by_suffix(".csv")[:40] if _is_table(head_of(upload, entry))]
    return [*json_exports(upload, _looks_like_json), *tables]


def _is_table(head: bytes) -> bool:
    titles = head.split(b"\n", 1)[0]
    return all(mark in titles for mark in _FLAT)


def looks_like_label_studio(upload: Upload) -> str | None:
    return next((entry.path for entry in label_studio_files(upload)), None)


def read_label_studio(upload: Upload, reading: Reading, wanted: str | None = None) -> Listing:
    images = AnnotatedImages(reading)

    def read(file: Entry) -> None:
        rows = _table(upload, file) if file.path.lower().endswith(".csv") else elements(upload, file)
        for row in rows:
            if isinstance(row, dict):
                _take(row, file, upload, images, reading)

    Files(reading, label_studio_files(upload)).each(read)
    return images.listing(upload, LAYOUT, KEY, wanted=wanted, fractions=True, upright=True)


def read_label_studio_boxes(upload: Upload, reading: Reading) -> Listing:
    return read_label_studio(upload, reading, BOXES)


def read_label_studio_labels(upload: Upload, reading: Reading) -> Listing:
    return read_label_studio(upload, reading, LABELS)


def _table(upload: Upload, file: Entry) -> Iterator[dict[str, Any]]:
    """Yield the rows of a CSV export; fields with JSON are decoded."""
    text = io.StringIO(read_text(upload, file, MAX_LIST_BYTES), newline="")
    try:
        for row in csv.DictReader(text):
            yield {key: _decoded(value) for key, value in row.items() if key is not None}
    except csv.Error as error:
        raise InputError(
            msg(
                "{file} is no table that can be read ({reason}): save it as CSV again.",
                file=names.show(file.path),
                reason=str(error),
            )
        ) from error


def _decoded(value: Any) -> Any:
    if not isinstance(value, str) or value[:1] not in ("[", "{"):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _take(
    row: dict[str, Any], file: Entry, upload: Upload, images: AnnotatedImages, reading: Reading
) -> None:
    task = isinstance(row.get("data"), dict)
    entry, written = _image(row["data"] if task else row, row, file, upload)
    if entry is None:
        report_missing(reading.findings, written)
        return
    result = results_of_task(row, images.of_boxes) if task else _flat(row, images)
    if task and result.annotators > 1:
        message = msg_n(
            "{count} image has annotations by several people; the first of them was kept.",
            "{count} images have annotations by several people; the first of each was kept.",
        )
        reading.left_out("annotated-twice", message, names.show(written), level="warn")
    split = split_of_path(file.path) or split_of_path(entry.path)
    images.add(entry, split, result.labels, result.boxes)


def _image(
    data: dict[str, Any], row: dict[str, Any], file: Entry, upload: Upload
) -> tuple[Entry | None, str]:
    """Find the image by the URL in a task's data, with or without the prefix added by an upload."""
    near, written = folder_of(file.path), ""
    candidates = [value for value in (*data.values(), row.get("file_upload")) if names_image(value)]
    for value in candidates:
        path = path_of(value)
        written = written or path
        found = upload.finder.find_anywhere(path, near) or _without_prefix(path, near, upload)
        if found is not None:
            return found, path
    return None, written or str(row.get("id") or file.path)


def _without_prefix(path: str, near: str, upload: Upload) -> Entry | None:
    prefix, dash, name = path.rpartition("/")[2].partition("-")
    is_hash = dash and len(prefix) == 8 and all(letter in "0123456789abcdef" for letter in prefix)
    return upload.finder.find_anywhere(name, near) if is_hash and name else None


def _flat(row: dict[str, Any], images: AnnotatedImages) -> Result:
    """Return the answers in a row of JSON-MIN or CSV; each question is a key of its own.

    A text is a choice if its question is named so, or if it is the only one: others are comments.
    """
    answers = {key: value for key, value in row.items() if key not in _ABOUT and not names_image(value)}
    texts = [key for key, value in answers.items() if isinstance(value, str) and value.strip()]
    chosen = [key for key in texts if key.lower() in CHOICES] or (texts if len(texts) == 1 else [])
    whole = Result(labels=[answers[key] for key in chosen])
    for key, value in answers.items():
        if key not in texts:
            whole.add(result_of(value, images.of_boxes))
    return whole
