"""An inference's images in storage: checked by header, stored as uploaded, converted in the job.

Nothing is decoded in a web process, and nothing slow happens in a transaction. The rows are created first and
the job last: an interrupted request has no job, is shown nowhere, and is swept.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db.models import Sum
from django.utils import timezone

from portal.devices.models import Inference, InferenceImage
from portal.teams import quota_usage, quotas
from workers.contract.messages import join, msg
from workers.datakit import images, measures
from workers.datakit.errors import ImageError, InputError
from workers.datakit.limits import human_bytes

logger = logging.getLogger(__name__)
MIB = 1024 * 1024
MOST_IMAGES = 500
MOST_BYTES = 64 * MIB  # of one image
MOST_BYTES_IN_ALL = 256 * MIB
MOST_PIXELS = 50_000_000  # of one image: the largest of phones, and as much memory as a small board has
MOST_PIXELS_IN_ALL = 2_000_000_000  # about two minutes of decoding
LEFT_AFTER = timedelta(hours=1)


def check(uploads) -> int:
    """Reject images that cannot be sent to a board, by number, size and header; return the total bytes.

    Raises InputError with the image's name.
    """
    if not uploads:
        raise InputError(msg("Choose at least one image."))
    if len(uploads) > MOST_IMAGES:
        raise InputError(msg("Send at most {most} images at a time.", most=MOST_IMAGES))
    total = sum(upload.size for upload in uploads)
    if total > MOST_BYTES_IN_ALL:
        raise InputError(
            msg(
                "The images have {total} together, and {most} can be sent at a time: send fewer.",
                total=human_bytes(total),
                most=human_bytes(MOST_BYTES_IN_ALL),
            )
        )
    pixels = sum(_pixels(upload) for upload in uploads)
    if pixels > MOST_PIXELS_IN_ALL:
        raise InputError(
            msg(
                "The images have {pixels} million pixels together, and {most} million can be "
                "sent at a time: send fewer or smaller ones.",
                pixels=f"{pixels / 1e6:.0f}",
                most=f"{MOST_PIXELS_IN_ALL / 1e6:.0f}",
            )
        )
    return total


def _pixels(upload) -> int:
    name = base_name(upload)
    if upload.size > MOST_BYTES:
        raise InputError(
            msg(
                "{name} has {size}: send images of {most} at most.",
                name=name,
                size=human_bytes(upload.size),
                most=human_bytes(MOST_BYTES),
            )
        )
    try:
        width, height, _suffix = images.measure(upload.file, MOST_PIXELS)
    except ImageError as error:
        raise InputError(join([name, str(error)])) from error
    return width * height


def base_name(upload) -> str:
    return Path(upload.name).name[:255]


def refuse_without_room(team, size: int) -> None:
    """Raise QuotaReached if the team may not store ``size`` more bytes."""
    left = quota_usage.left(team)
    if left is not None and left < size:
        raise quotas.QuotaReached(
            msg(
                "The images have {size} and {left} of the team's storage are left: remove "
                "datasets or devices that are no longer used, or ask an administrator for more.",
                size=human_bytes(size),
                left=human_bytes(left),
            )
        )


def store(inference: Inference, uploads) -> None:
    """Store the images as uploaded. They must have been checked."""
    for position, upload in enumerate(uploads):
        suffix = images.measure(upload.file, MOST_PIXELS)[2]
        row = InferenceImage(
            inference=inference, position=position, name=base_name(upload), bytes=upload.size
        )
        row.file.save(f"{_folder(inference.pk)}/{position:04d}{suffix}", File(upload.file), save=False)
        row.save()


def make_plain(row: InferenceImage) -> bytes | None:
    """Convert an image to a format that boards read; return its gray values, in the form of a dataset index.

    Return None, with the reason in its row, if it cannot be decoded. Idempotent, for retries.
    """
    with row.file.open("rb") as stream:
        content = stream.read()
    try:
        picture = images.normalise(content, MOST_PIXELS)
    except ImageError as error:
        row.error = msg("This image {error}.", error=error)
        row.save(update_fields=["error"])
        return None
    row.error, row.width, row.height = "", picture.width, picture.height
    if picture.note:
        before, row.note, row.bytes = row.file.name, picture.note, len(picture.content)
        name = f"{_folder(row.inference_id)}/{row.position:04d}-plain{picture.suffix}"
        default_storage.delete(name)  # left by an interrupted attempt
        row.file.save(name, ContentFile(picture.content), save=False)
        row.save(update_fields=["file", "note", "bytes", "error", "width", "height"])
        default_storage.delete(before)
    else:
        row.save(update_fields=["error", "width", "height"])
    return measures.measure(picture.small).gray


def remove(inference: Inference) -> None:
    """Remove an inference that was never started."""
    remove_files([inference.pk])
    inference.delete()


def remove_files(inference_ids: Iterable[int]) -> None:
    """Remove the images of these inferences from storage, as far as they exist."""
    for pk in inference_ids:
        try:
            for name in default_storage.listdir(_folder(pk))[1]:
                default_storage.delete(f"{_folder(pk)}/{name}")
            default_storage.delete(_folder(pk))
        except FileNotFoundError:
            continue
        except OSError:
            logger.exception("the pictures of inference %s could not be removed", pk)


def sweep() -> None:
    """Remove inferences whose request was interrupted before their job was created."""
    for inference in Inference.objects.filter(job=None, created_at__lt=timezone.now() - LEFT_AFTER):
        remove(inference)


def stored_bytes(team) -> int:
    """Bytes of the images that the team sent to its devices."""
    rows = InferenceImage.objects.filter(inference__team=team)
    return rows.order_by().aggregate(sum=Sum("bytes"))["sum"] or 0


def _folder(inference_id: int) -> str:
    return f"inferences/{inference_id}"
