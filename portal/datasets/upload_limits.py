"""How large an upload may be, by the server's setting, disk and the team's quota; and whether it is whole."""

from __future__ import annotations

import shutil
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import Sum

from portal.datasets.models import Upload
from portal.datasets.refusals import Expired, NoRoom, NotWhole, TooLarge
from portal.teams import quota_usage, quotas
from workers.contract.messages import msg
from workers.datakit.limits import human_bytes

DISK_RESERVE = 512 * 1024**2
MOST_MODEL_BYTES = 512 * 1024**2  # as in workers/intake/opening.py
MODEL_SUFFIX = ".onnx"  # no dataset has it


def waiting_sum(uploads, field: str) -> int:
    """The sum of a column over the uploads that are neither a version yet nor expired."""
    return uploads.waiting().aggregate(sum=Sum(field))["sum"] or 0


def quota_left(team) -> int | None:
    """Bytes that the team may still upload; None without a quota."""
    return quota_usage.left(team)


def room_left() -> int | None:
    """Free bytes on the disk of the stored files; None if unknown (S3)."""
    try:
        place = default_storage.path("")
    except NotImplementedError:
        return None
    Path(place).mkdir(parents=True, exist_ok=True)
    still_to_come = waiting_sum(Upload.objects, "length") - waiting_sum(Upload.objects, "offset")
    return max(0, shutil.disk_usage(place).free - still_to_come - DISK_RESERVE)


def most_bytes(team) -> int:
    """The largest file that the team could upload now."""
    known = [settings.UPLOAD_MAX_BYTES, room_left(), quota_left(team)]
    return min(limit for limit in known if limit is not None)


def check_model_size(filename: str, length: int) -> None:
    """Raise TooLarge for a file that is larger than any model."""
    if length > MOST_MODEL_BYTES:
        raise TooLarge(
            msg(
                "{filename} has {size}; a model may have {most}, since no supported chip runs a larger one: "
                "upload a smaller model.",
                filename=filename,
                size=human_bytes(length),
                most=human_bytes(MOST_MODEL_BYTES),
            )
        )


def check_size(team, filename: str, length: int) -> None:
    """Raises TooLarge if the server, or the team's quota, does not allow a file of ``length`` bytes, or if
    its name is a model's and no chip would run it.
    """
    if filename.lower().endswith(MODEL_SUFFIX):
        check_model_size(filename, length)
    if length > settings.UPLOAD_MAX_BYTES:
        raise TooLarge(
            msg(
                "{filename} has {size}; this server takes at most {most}: split "
                "it, or ask the administrator to raise UPLOAD_MAX_MB.",
                filename=filename,
                size=human_bytes(length),
                most=human_bytes(settings.UPLOAD_MAX_BYTES),
            )
        )
    left = quota_left(team)
    if left is not None and length > left:
        raise TooLarge(
            msg(
                "{filename} has {size} and the team {team} has {left} left of its {storage}: "
                "discard unfinished uploads, or ask an administrator for more.",
                filename=filename,
                size=human_bytes(length),
                team=team.name,
                left=human_bytes(left),
                storage=human_bytes(quotas.limits(team).storage),
            )
        )


def check_room(filename: str, length: int) -> None:
    left = room_left()
    if left is not None and length > left:
        raise NoRoom(
            msg(
                "{filename} has {size} and the server has room for {left}: ask the "
                "administrator to free some space, then try again.",
                filename=filename,
                size=human_bytes(length),
                left=human_bytes(left),
            )
        )


def check_whole(upload: Upload) -> None:
    """Raise Expired or NotWhole for an upload that cannot be used yet, or no more."""
    if upload.is_expired:
        raise Expired(
            msg("The upload of {filename} has expired: upload the file again.", filename=upload.filename)
        )
    if not upload.is_whole:
        raise NotWhole(
            msg(
                "Of {filename}, {offset} of {length} bytes are here: send the rest first.",
                filename=upload.filename,
                offset=upload.offset,
                length=upload.length,
            )
        )
