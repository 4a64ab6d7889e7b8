"""An uploaded file is kept until its version is ready, or for some days if that is refused."""

from __future__ import annotations

from datetime import timedelta

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from portal.datasets import pieces
from portal.datasets.models import DatasetVersion, Upload, UploadPiece
from portal.jobs.models import Status

REFUSED_RETENTION = timedelta(days=3)  # for a retry, and for finding out what was wrong


def drop(version: DatasetVersion) -> None:
    """Remove a version's upload; the files are deleted once the transaction is committed."""
    stored = version.upload.name
    received = Upload.objects.filter(version=version).first()
    UploadPiece.objects.filter(upload=received).delete()
    version.upload, version.upload_bytes = "", 0
    version.save(update_fields=["upload", "upload_bytes"])

    def remove_files() -> None:
        if stored:
            default_storage.delete(stored)
        if received:
            pieces.remove(received)

    transaction.on_commit(remove_files)


def sweep() -> None:
    """Before: uploads of ready versions, and of versions refused days ago. After: none."""
    has_upload = Q(upload_bytes__gt=0) | ~Q(upload="") | Q(received__pieces__isnull=False)
    kept = DatasetVersion.objects.filter(has_upload).select_related("job").distinct()
    refused = kept.filter(
        job__status__in=[Status.FAILED, Status.CANCELLED],
        job__finished_at__lt=timezone.now() - REFUSED_RETENTION,
    )
    for version in [*kept.ready(), *refused]:
        with transaction.atomic():
            drop(version)
            if not version.is_ready:
                _forget_images(version)


def _forget_images(version: DatasetVersion) -> None:
    """Release what an earlier check left for a version that was then read again and refused."""
    index = version.index.name
    version.index, version.index_bytes = "", 0
    version.save(update_fields=["index", "index_bytes"])
    version.packs.clear()
    if index:
        transaction.on_commit(lambda: default_storage.delete(index))
