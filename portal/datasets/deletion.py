"""Deletes datasets and versions: hidden at once, restorable for some days, then swept.

What a run uses is hidden but never swept: its version can be displayed, trained and deployed as long as the
run exists.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.datasets import staged_cache, upload_retention, usage
from portal.datasets.models import Dataset, DatasetVersion, Pack, Upload
from portal.datasets.refusals import NameTaken
from portal.jobs import services as jobs
from portal.jobs.models import ACTIVE, Job, Status
from portal.teams import audit
from workers.contract.messages import msg

MAKERS = ("ingest", "revise")  # kinds of job that make a version
LEFTOVERS_OF = timedelta(days=2)  # the sweep runs every hour

logger = logging.getLogger(__name__)


@transaction.atomic
def delete_version(version: DatasetVersion, user, verb: str = "dataset.delete") -> None:
    """Hide a version; an active check is cancelled. Runs that use it continue."""
    row = DatasetVersion.objects.select_for_update().get(pk=version.pk)
    if row.deleted_at is None:
        row.deleted_at = timezone.now()
        row.save(update_fields=["deleted_at"])
        audit.record(verb, row, actor=user)
        jobs.cancel(row.job, by=user.get_username() if user else msg("the server"))
    version.deleted_at = row.deleted_at


@transaction.atomic
def delete_dataset(dataset: Dataset, user) -> None:
    """Hide a dataset with its versions; its name is free from now on."""
    row = Dataset.objects.select_for_update().get(pk=dataset.pk)
    if row.deleted_at is None:
        row.deleted_at = timezone.now()
        row.save(update_fields=["deleted_at"])
        audit.record("dataset.delete", row, actor=user)
        for version in row.versions.filter(job__status__in=ACTIVE).select_related("job"):
            jobs.cancel(version.job, by=user.get_username())
    dataset.deleted_at = row.deleted_at


@transaction.atomic
def restore_version(version: DatasetVersion, user) -> None:
    """Restore a deleted version. It stays hidden while its dataset is deleted."""
    row = DatasetVersion.objects.select_for_update().get(pk=version.pk)
    if row.deleted_at is not None:
        row.deleted_at = None
        row.save(update_fields=["deleted_at"])
        audit.record("dataset.restore", row, actor=user)
    version.deleted_at = None


def restore_dataset(dataset: Dataset, user) -> None:
    """Restore a deleted dataset, with the versions that were not deleted individually.

    Raises NameTaken if another dataset got its name in the meantime.
    """
    _write(dataset, user, "dataset.restore", "", deleted_at=None)


def rename(dataset: Dataset, user, name: str) -> None:
    """Rename a dataset. Raises NameTaken if the team has another with that name."""
    if name != dataset.name:
        _write(dataset, user, "dataset.rename", dataset.name, name=name)


def _write(dataset: Dataset, user, verb: str, detail: str, **fields) -> None:
    name = fields.get("name", dataset.name)
    try:
        with transaction.atomic():
            Dataset.objects.filter(pk=dataset.pk).update(**fields)
            dataset.refresh_from_db()
            audit.record(verb, dataset, actor=user, detail=detail)
    except IntegrityError as error:
        raise NameTaken(
            _("The team has another dataset called %(name)s: rename that one first.") % {"name": name}
        ) from error


def remove_now(version: DatasetVersion) -> None:
    """Remove a version that was never ready, and its dataset if it never had another.

    Its number is free again if it was the last one. What a run uses, or a check of the dataset may refer to,
    is left to the sweep.
    """
    _remove_unless_used(version)
    with transaction.atomic():
        dataset = Dataset.objects.select_for_update().filter(pk=version.dataset_id).first()
        if dataset is None or dataset.versions.filter(pk=version.pk).exists():
            return
        if dataset.last_number == version.number:
            dataset.last_number -= 1
            dataset.save(update_fields=["last_number"])
        if dataset.last_number == 0 and not dataset.versions.exists():
            dataset.delete()


def sweep() -> None:
    """Before: versions deleted long ago. After: only those used by a run."""
    horizon = timezone.now() - timedelta(days=settings.DATASET_KEPT_DAYS)
    gone = Q(deleted_at__lte=horizon) | Q(dataset__deleted_at__lte=horizon)
    for version in DatasetVersion.objects.filter(gone).exclude(usage.used()):
        _remove_unless_used(version)
    Dataset.objects.filter(deleted_at__lte=horizon, versions=None).delete()


def _remove_unless_used(version: DatasetVersion) -> None:
    try:
        _remove(version.pk)
    except ProtectedError:
        logger.info("%s is kept: a run names it", version)


def sweep_packs() -> None:
    """Before: packs of uploads that were read again. After: only those that a version refers to."""
    for dataset in Dataset.objects.filter(packs__in=Pack.objects.filter(versions=None)).distinct():
        with transaction.atomic():
            Dataset.objects.select_for_update().get(pk=dataset.pk)
            if dataset.versions.filter(job__status__in=ACTIVE).exists():
                continue  # its program may refer to them; the next sweep comes soon
            unused = dataset.packs.filter(versions=None)
            files = [pack.file.name for pack in unused]
            unused.delete()
            transaction.on_commit(functools.partial(_delete_files, files))


@transaction.atomic
def _remove(pk: int) -> None:
    """Remove a version's row, its index, and the packs that no other version refers to.

    Takes the same locks as a new run and a version about to be ready, in the same order: neither loses its
    images.
    """
    dataset = Dataset.objects.select_for_update().filter(versions=pk).first()
    version = DatasetVersion.objects.select_for_update().filter(pk=pk).first()
    if dataset is None or version is None:
        return
    if not version.is_deleted or usage.is_used(version):
        return
    if dataset.versions.filter(job__status__in=ACTIVE).exists():
        return  # its program may refer to these packs just now; the next sweep comes soon
    upload_retention.drop(version)
    Upload.objects.filter(version=version).delete()
    left = version.job.artifacts.all()
    files = [version.index.name, *(artifact.file.name for artifact in left)]
    left.delete()
    content_hash = version.content_hash
    version.delete()
    unused = dataset.packs.filter(versions=None)
    files += [pack.file.name for pack in unused]
    unused.delete()
    transaction.on_commit(lambda: _delete_files(files))
    transaction.on_commit(lambda: staged_cache.forget(content_hash))


def sweep_leftovers() -> None:
    """Before: files stored by jobs that died before they finished. After: only recent ones."""
    since = timezone.now() - LEFTOVERS_OF
    dead = Job.objects.filter(status__in=[Status.FAILED, Status.CANCELLED], finished_at__gte=since)
    for job in dead.filter(kind__in=MAKERS):
        _delete_files(list(_files_below(f"versions/{job.pk}")))


def _files_below(folder: str) -> Iterator[str]:
    try:
        folders, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}/{name}" for name in names)
    for name in folders:
        yield from _files_below(f"{folder}/{name}")


def _delete_files(names: list[str]) -> None:
    for name in names:
        if name:
            default_storage.delete(name)
