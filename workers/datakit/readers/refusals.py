"""Refusals of an upload, with every reason why its files could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workers.contract.messages import Message, join, msg
from workers.datakit import names
from workers.datakit.errors import InputError

from .formats import LAYOUTS
from .reading import Reading
from .unexplained import tool_of
from .upload import Upload

MAX_REFUSAL = 390  # characters
_ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")


def check_any_images(upload: Upload, formats: Iterable[str]) -> None:
    """Raise InputError for an upload without images, unless one of the formats contains them itself."""
    if upload.images or any(LAYOUTS[key].holds_images for key in formats):
        return
    for entry in upload.entries:
        if entry.path.lower().endswith(_ARCHIVES):
            raise InputError(
                msg(
                    "The {archive} holds another archive ({file}) and no images: "
                    "unpack that one and pack the images themselves.",
                    archive=upload.kind,
                    file=names.show(entry.path),
                )
            )
    raise InputError(
        msg(
            "The {archive} holds no images: put JPEG, PNG, BMP, WebP, GIF or TIFF files into one folder "
            "per class, or beside their annotations.",
            archive=upload.kind,
        )
    )


def not_read(path: str, upload: Upload) -> Message:
    """Say that the label file at ``path`` is in no supported format."""
    tool = tool_of(upload, path)
    if tool is not None:
        return msg(
            "{file} is an export of {tool}, whose format is not read: export the labels as COCO, Pascal VOC "
            "or YOLO, or as a table of image and class.",
            file=names.show(path),
            tool=tool,
        )
    return msg(
        "{file} is in no format that is read, and the folders alone do not tell the classes: export the "
        "labels as a table of image and class, or as COCO, Pascal VOC or YOLO.",
        file=names.show(path),
    )


def every_reason(readings: Sequence[Reading]) -> str:
    """Return the reasons why each reading fails, as far as they fit into a refusal."""
    reasons = dict.fromkeys(_reason(reading) for reading in readings)
    return _joined([reason for reason in reasons if reason])


def _reason(reading: Reading) -> str:
    """Return why a reading fails, with the name of a file that it is about."""
    reason = reading.problem or join(reading.against)
    if not reason or reading.found_by is None or reading.found_by.rpartition("/")[2] in reason:
        return reason
    return msg("{file}: {reason}", file=names.show(reading.found_by), reason=reason)


def _joined(reasons: list[str]) -> str:
    kept = reasons[:1]
    for reason in reasons[1:]:
        if sum(map(len, kept)) + len(kept) + len(reason) < MAX_REFUSAL:
            kept.append(reason)
    return join(kept)
