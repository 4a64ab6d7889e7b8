"""Uploads that may be interrupted: create one within the limits, discard it, sweep what expired.

Not in charge of receiving the bytes (``receiving.py``), of where they are kept (``pieces.py``) or of HTTP
(``tus.py``, ``upload_api.py``).
"""

from __future__ import annotations

import contextlib
import shutil
import time
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from portal.datasets import pieces, services
from portal.datasets.models import Upload
from portal.datasets.refusals import InUse, NoRoom, TooLarge
from portal.jobs import services as jobs
from portal.teams import audit, quota_usage, quotas
from portal.teams.models import Team
from workers.datakit.limits import human_bytes

DISK_RESERVE = 512 * 1024**2
EXPIRED_KEPT = timedelta(days=30)  # the row alone, to tell "expired" from "never was"
LEFTOVER_SECONDS = 24 * 3600


def new_expiry():
    return timezone.now() + timedelta(hours=settings.UPLOAD_KEPT_HOURS)


def create(
    team, user, length: int, filename: str, dataset_name="", options: dict | None = None, metadata=""
) -> Upload:
    """Announce a file of ``length`` bytes. With ``dataset_name`` it becomes a version once it is whole.

    ``metadata`` is kept as the client's own words. Raises TooLarge when the server or the team's quota
    does not take as much, NoRoom when the disk does not, QuotaReached when no check may wait.
    """
    if dataset_name:
        jobs.refuse_if_full(team)
    sweep_local_files()
    with transaction.atomic():
        Team.objects.select_for_update().get(pk=team.pk)  # two uploads must not share the last free bytes
        check_size(team, filename, length)
        _check_room(filename, length)
        upload = Upload.objects.create(
            team=team,
            created_by=user,
            length=length,
            filename=filename,
            dataset_name=dataset_name,
            options=options or {},
            metadata=metadata,
            expires_at=new_expiry(),
        )
        if upload.is_whole:
            complete(upload)
    return upload


def complete(upload: Upload) -> None:
    """What follows the last byte, in the transaction that counts it: a version, if the upload names one."""
    if upload.dataset_name:
        services.create_version_of(upload, upload.dataset_name, upload.options)


def _waiting(uploads, field: str) -> int:
    """The sum of a column over the uploads that are neither a version yet nor expired."""
    return uploads.waiting().aggregate(sum=Sum(field))["sum"] or 0


def quota_left(team) -> int | None:
    """Bytes that the team may still upload; None when there is no quota."""
    return quota_usage.left(team)


def room_left() -> int | None:
    """Bytes for which the disk of the stored files has room; None where that cannot be asked (S3)."""
    try:
        place = default_storage.path("")
    except NotImplementedError:
        return None
    Path(place).mkdir(parents=True, exist_ok=True)
    still_to_come = _waiting(Upload.objects, "length") - _waiting(Upload.objects, "offset")
    return max(0, shutil.disk_usage(place).free - still_to_come - DISK_RESERVE)


def most_bytes(team) -> int:
    """The largest file that the team could upload now."""
    known = [settings.UPLOAD_MAX_BYTES, room_left(), quota_left(team)]
    return min(limit for limit in known if limit is not None)


def check_size(team, filename: str, length: int) -> None:
    """Raises TooLarge when the server, or the team's quota, does not take a file of ``length`` bytes."""
    if length > settings.UPLOAD_MAX_BYTES:
        raise TooLarge(
            f"{filename} has {human_bytes(length)}; this server takes at most "
            f"{human_bytes(settings.UPLOAD_MAX_BYTES)}: split it, or ask the administrator to raise "
            "UPLOAD_MAX_MB."
        )
    left = quota_left(team)
    if left is not None and length > left:
        raise TooLarge(
            f"{filename} has {human_bytes(length)} and the team {team.name} has {human_bytes(left)} left of "
            f"its {human_bytes(quotas.limits(team).storage)}: discard unfinished uploads, or ask an "
            "administrator for more."
        )


def _check_room(filename: str, length: int) -> None:
    left = room_left()
    if left is not None and length > left:
        raise NoRoom(
            f"{filename} has {human_bytes(length)} and the server has room for {human_bytes(left)}: "
            "ask the administrator to free some space, then try again."
        )


def discard(upload: Upload) -> None:
    """Remove an upload with all its bytes. Raises InUse when a dataset was made of it."""
    with transaction.atomic():
        # The row first: a connection that is appending then finds nothing to move its piece to.
        deleted, _ = Upload.objects.filter(pk=upload.pk, version=None).delete()
        if not deleted and Upload.objects.filter(pk=upload.pk).exists():
            upload.refresh_from_db()
            raise InUse(f"This upload has become {upload.version} and can no longer be discarded.")
        audit.record("upload.discard", label=upload.filename, team=upload.team)
    pieces.remove(upload)


def sweep() -> None:
    """Before: expired uploads with their bytes. After: their rows alone, and those only for 30 days."""
    expired = Upload.objects.filter(version=None, expires_at__lte=timezone.now())
    for upload in expired.filter(pieces__isnull=False).distinct():
        upload.pieces.all().delete()
        pieces.remove(upload)
    expired.filter(expires_at__lte=timezone.now() - EXPIRED_KEPT).delete()
    sweep_local_files()


def sweep_local_files() -> None:
    """Remove what killed processes left in this host's folder of arriving pieces and forms."""
    horizon = time.time() - LEFTOVER_SECONDS
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir():
        with contextlib.suppress(OSError):
            if path.is_file() and path.stat().st_mtime < horizon:
                path.unlink()
