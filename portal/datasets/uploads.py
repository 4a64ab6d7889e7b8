"""Resumable uploads: create one within the limits, discard it, sweep expired ones.

``receiving.py`` receives the bytes, ``pieces.py`` stores them, ``tus.py`` and ``upload_api.py`` speak HTTP.
"""

from __future__ import annotations

import contextlib
import time
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.datasets import pieces, services, upload_limits
from portal.datasets.models import Upload
from portal.datasets.refusals import InUse
from portal.jobs import services as jobs
from portal.teams import audit
from portal.teams.models import Team
from workers.contract.messages import msg

EXPIRED_RETENTION = timedelta(days=30)  # the row alone, to tell "expired" from "never existed"
LEFTOVER_SECONDS = 24 * 3600


def new_expiry():
    return timezone.now() + timedelta(hours=settings.UPLOAD_KEPT_HOURS)


def create(
    team, user, length: int, filename: str, dataset_name="", options: dict | None = None, metadata=""
) -> Upload:
    """Announce a file of ``length`` bytes. With ``dataset_name``, it becomes a version once it is complete.

    ``metadata`` is kept as the client's own words. Raises TooLarge if the server or the team's quota does not
    allow as much, NoRoom if the disk has no room, QuotaReached if no more checks may be queued.
    """
    if dataset_name:
        jobs.refuse_if_full(team)
    sweep_local_files()
    with transaction.atomic():
        Team.objects.select_for_update().get(pk=team.pk)  # two uploads must not share the last free bytes
        upload_limits.check_size(team, filename, length)
        upload_limits.check_room(filename, length)
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
    """Follow up the last byte, in the transaction that counts it: create a version if the upload names a
    dataset.
    """
    if upload.dataset_name:
        services.create_version_of(upload, upload.dataset_name, upload.options)


def discard(upload: Upload) -> None:
    """Remove an upload with all its bytes. Raises InUse if it became a dataset."""
    with transaction.atomic():
        # The row first: a connection that is appending then has nothing to move its piece to.
        deleted, _ = Upload.objects.filter(pk=upload.pk, version=None).delete()
        if not deleted and Upload.objects.filter(pk=upload.pk).exists():
            upload.refresh_from_db()
            raise InUse(
                msg(
                    "This upload has become {version} and can no longer be discarded.", version=upload.version
                )
            )
        audit.record("upload.discard", label=upload.filename, team=upload.team)
    pieces.remove(upload)


def sweep() -> None:
    """Before: expired uploads with their bytes. After: only their rows, for 30 days."""
    expired = Upload.objects.filter(version=None, expires_at__lte=timezone.now())
    for upload in expired.filter(pieces__isnull=False).distinct():
        upload.pieces.all().delete()
        pieces.remove(upload)
    expired.filter(expires_at__lte=timezone.now() - EXPIRED_RETENTION).delete()
    sweep_local_files()


def sweep_local_files() -> None:
    """Remove what killed processes left in this host's folder of arriving pieces and forms."""
    horizon = time.time() - LEFTOVER_SECONDS
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir():
        with contextlib.suppress(OSError):
            if path.is_file() and path.stat().st_mtime < horizon:
                path.unlink()
