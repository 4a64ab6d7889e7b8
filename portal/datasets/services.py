"""Datasets: create a version from an upload, check it in a job, stage a version for a worker program."""

from __future__ import annotations

import sys
import tempfile
import uuid
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.utils.translation import gettext as _

from portal.core.files import fetch
from portal.datasets import archive_sources, imports, indexes, pieces, reviews, upload_limits
from portal.datasets.models import Dataset, DatasetVersion, Pack, Upload
from portal.datasets.refusals import InUse
from portal.datasets.samples import SAMPLES
from portal.datasets.staged_cache import staged
from portal.datasets.states import Review
from portal.jobs import services as jobs
from portal.jobs.kinds import Invocation
from portal.jobs.models import ACTIVE, Job, NothingLeft, Status
from portal.teams import audit
from workers.contract.messages import msg
from workers.contract.splits import SPLITS
from workers.datakit.errors import InputError, StagingError

INGEST_MEMORY_BYTES = 4 * 1024**3


def create_version(team, user, name: str, upload, options: dict | None = None) -> DatasetVersion:
    """Store an uploaded archive as the next version of the team's dataset ``name`` and queue its check.

    ``upload`` is a Django file, or a complete Upload. ``options`` are those of ``options.py``: ``mode``,
    ``val_fraction``, ``test_fraction``, ``seed``, ``reading`` and so on. With ``review``, a person confirms
    how it was read; with ``fresh``, the dataset's remembered reading is ignored. A file is stored before the
    transaction begins: copying gigabytes must not hold a database lock. Raises QuotaReached if no more checks
    may be queued.
    """
    jobs.refuse_if_full(team)
    if isinstance(upload, Upload):
        return create_version_of(upload, name, options)
    stored = default_storage.save(f"uploads/{uuid.uuid4().hex}.bin", upload)
    try:
        with transaction.atomic():
            kept = {"upload": stored, "upload_bytes": upload.size, "upload_name": upload.name}
            return upload_version(team, user, name, options or {}, **kept)
    except BaseException:
        default_storage.delete(stored)
        raise


@transaction.atomic
def create_version_of(upload: Upload, name: str, options: dict | None = None) -> DatasetVersion:
    """Make a complete resumable upload the next version of its team's dataset ``name`` and queue its check.

    Called again for the same dataset, it returns the existing version. Raises NotWhole, Expired, or InUse if
    it is already a version of another dataset.
    """
    upload = Upload.objects.select_for_update().get(pk=upload.pk)
    if upload.version and upload.version.dataset.name == name:
        return upload.version
    if upload.version:
        raise InUse(
            msg(
                "This upload has become {version} already: upload the file again for {name}.",
                version=upload.version,
                name=name,
            )
        )
    upload_limits.check_whole(upload)
    kept = {"upload_bytes": upload.length, "upload_name": upload.filename}
    version = upload_version(upload.team, upload.created_by, name, options or {}, **kept)
    Upload.objects.filter(pk=upload.pk).update(version=version)
    return version


@transaction.atomic
def create_import(
    team, user, name: str, source: str, path: str, options: dict | None = None
) -> DatasetVersion:
    """Make the files at ``path`` of an allowed location the next version of the team's dataset ``name``.

    The job that checks it copies them. Raises InputError for what the administrator did not allow,
    QuotaReached if no more checks may be queued.
    """
    jobs.refuse_if_full(team)
    where = {"source": imports.place(source).name, "path": imports.clean_path(path)}
    options = {**(options or {}), "import": where}
    return upload_version(team, user, name, options, upload_name=imports.title(**where))


def upload_version(team, user, name: str, options: dict, *, upload_name: str, **kept) -> DatasetVersion:
    """Create the next version of the team's dataset ``name`` and queue its check. Call it in a
    transaction.
    """
    dataset = _locked_dataset(team, user, name)
    options = reviews.with_remembered(dataset, options)
    kept["review"] = Review.WAITING if options.pop("review", False) else ""
    kept["upload_name"] = Path(upload_name).name[:255]
    version = add_version(dataset, "ingest", user, options=options, **kept)
    where = options.get("import")
    verb, detail = ("dataset.import", imports.shown(**where)) if where else ("dataset.upload", upload_name)
    verb = "dataset.cut" if version.source_id else verb
    audit.record(verb, version, actor=user, detail=detail)
    return version


def _locked_dataset(team, user, name: str) -> Dataset:
    """The team's dataset with this name, created if there is none or it was just discarded."""
    while True:
        found, _ = Dataset.objects.live().get_or_create(team=team, name=name, defaults={"created_by": user})
        dataset = Dataset.objects.select_for_update().live().filter(pk=found.pk).first()
        if dataset is not None:
            return dataset


def add_version(dataset: Dataset, kind: str, user, **fields) -> DatasetVersion:
    """Create the next version of a dataset, for a job of this kind to fill. Call it in a transaction."""
    dataset = Dataset.objects.select_for_update().get(pk=dataset.pk)  # two must not get the same number
    dataset.last_number += 1
    dataset.save(update_fields=["last_number"])
    job = jobs.submit(kind, dataset.team, user)
    return DatasetVersion.objects.create(
        dataset=dataset, team=dataset.team, number=dataset.last_number, job=job, **fields
    )


def check_addable(team, name: str) -> None:
    """Raise InputError unless the team's dataset ``name`` has, or may soon have, a version to add to."""
    versions = DatasetVersion.objects.for_team(team).live().filter(dataset__name=name)
    if not versions.filter(job__status__in=ACTIVE).exists() and not versions.ready().exists():
        raise InputError(
            _("There is no version of %(name)s that images could be added to: upload them as one of its own.")
            % {"name": name}
        )


def claim_ingest(job: Job) -> bool:
    """A check that adds to the newest version waits until the versions before it are checked."""
    version = job.dataset_version
    if version.options.get("mode") != "add":
        return True
    return not version.dataset.versions.filter(number__lt=version.number, job__status__in=ACTIVE).exists()


def prepare_ingest(job: Job, folder: Path) -> Invocation:
    """Put the upload and the indexes of earlier versions into the job's folder."""
    version = job.dataset_version
    files = _files(version, folder)
    version.parent = newest_before(version)
    version.save(update_fields=["parent"])
    if version.parent is None and version.options.get("mode") == "add":
        raise InputError(
            msg(
                "{dataset} has no version yet that images could be added to: upload them as a "
                "version of its own.",
                dataset=version.dataset,
            )
        )
    defaults = {"val_fraction": 0.2, "seed": 0, "class_count": None, "class_names": None, "limits": {}}
    return Invocation(
        argv=[sys.executable, "-m", "workers.datakit.ingest"],
        inputs={**files, **_indexes(version, folder)},
        params={
            **defaults,
            **version.options,
            "filename": version.upload_name,
            "pack_key": uuid.uuid4().hex,
            "doubt": "wait",
        },
        memory_bytes=INGEST_MEMORY_BYTES,
    )


def _files(version: DatasetVersion, folder: Path) -> dict[str, str | None]:
    """The source of the images: the upload, or another version whose boxes are cut out."""
    if "cut" not in version.options:
        return {"archive": str(_fetch_upload(version, folder / "upload.bin"))}
    if version.source is None:
        raise InputError(msg("The version with the boxes was deleted: choose another one."))
    return {"archive": None, "boxes": str(staged(version.source))}


def _fetch_upload(version: DatasetVersion, target: Path) -> Path:
    if "import" in version.options:
        return imports.fetch(version.job, **version.options["import"], target=target)
    if write := archive_sources.of(version):
        return write(version, target)
    if version.upload:
        return fetch(version.upload, target)
    received = Upload.objects.filter(version=version).first()
    if received is None or (received.length and not received.pieces.exists()):
        raise InputError(
            msg(
                "{filename} is no longer on the server, as it was refused some days ago: upload it again.",
                filename=version.upload_name,
            )
        )
    return pieces.join(received, target)


def newest_before(version: DatasetVersion) -> DatasetVersion | None:
    """The version that another one is compared with, or adds to: the newest ready one before it."""
    return version.dataset.versions.live().ready().filter(number__lt=version.number).first()


def _indexes(version: DatasetVersion, folder: Path) -> dict[str, str | list[str] | None]:
    """Copies of the parent's index, and of those that tell which images are already stored."""
    base = version.parent and indexes.copy_to(version.parent, folder / "indexes" / "base.sqlite")
    known = [
        str(indexes.copy_to(holder, folder / "indexes" / f"{holder.pk}.sqlite"))
        for holder in _holders(version.dataset)
    ]
    return {"base": str(base) if base else None, "known": known}


def _holders(dataset: Dataset) -> QuerySet[DatasetVersion]:
    """For each pack of a dataset, the first version with it: the one that the pack was made for."""
    pairs = DatasetVersion.packs.through.objects.filter(pack__dataset=dataset)
    first = pairs.values("pack").annotate(first=Min("datasetversion")).values("first")
    return DatasetVersion.objects.filter(pk__in=first).exclude(index="")


def complete_ingest(job: Job, result: dict) -> None:
    """Fill the version; it is then ready, unless a person must confirm how it was read."""
    version = job.dataset_version
    fill(version, job, result)
    reviews.after_check(version, result)


def fill(version: DatasetVersion, job: Job, result: dict) -> None:
    """Fill a version from its program's result, and adopt its index and packs.

    Call it in the transaction that makes the job succeed. It reads no file: that could be slow.
    """
    for name in ("content_hash", "class_names", "counts", "findings", "statistics", "diff", "layout", "task",
                 "split", "images", "bytes"):  # fmt: skip
        setattr(version, name, result[name])
    for split in SPLITS:
        setattr(version, f"{split}_images", result[split])
    # Locked, so that the sweep of deleted versions removes no pack that this one refers to.
    dataset = Dataset.objects.select_for_update().get(pk=version.dataset_id)
    made = {artifact.name: artifact for artifact in job.artifacts.all()}
    if earlier := version.index.name:
        transaction.on_commit(lambda: default_storage.delete(earlier))
    version.index, version.index_bytes = made["index.sqlite"].file.name, made["index.sqlite"].size
    version.save()
    for pack in result["packs"]:
        Pack.objects.create(dataset=dataset, file=made[f"packs/{pack['name']}"].file.name, **pack)
    names = result["pack_names"]
    found = list(dataset.packs.filter(name__in=names))
    if len(found) != len(names):
        raise StagingError(
            msg(
                "Images that {version} shares with a deleted version are gone: retry its check.",
                version=version,
            )
        )
    version.packs.set(found)
    # The files belong to the dataset from now on.
    job.artifacts.filter(Q(name="index.sqlite") | Q(name__startswith="packs/")).delete()


def folder_of(job: Job) -> str:
    """The output folder of a job that makes a version; found again if the job dies between storing and
    finishing.
    """
    return f"versions/{job.pk}"


def replace(old: Job, new: Job) -> None:
    """Raises NothingLeft if the version was removed, or another job checks it since."""
    if not DatasetVersion.objects.filter(job=old).update(job=new):
        raise NothingLeft(old)


def add_sample(team, user, task: str) -> DatasetVersion:
    """The bundled sample of a task: added once, then reused."""
    sample = SAMPLES[task]
    made = DatasetVersion.objects.live().filter(
        team=team, dataset__name=sample.name, upload_name=sample.file_name
    )
    known = made.exclude(job__status__in=(Status.FAILED, Status.CANCELLED)).first()
    if known is not None:
        return known
    with tempfile.TemporaryFile() as archive:
        sample.write(archive)
        archive.seek(0)
        return create_version(team, user, sample.name, File(archive, name=sample.file_name))
