"""Datasets: take an upload, ingest it in a job, stage a version for a worker program."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Max

from portal.core.files import fetch
from portal.datasets import pieces, staging
from portal.datasets.models import Dataset, DatasetVersion, Upload
from portal.datasets.refusals import Expired, InUse, NotWhole
from portal.jobs import services as jobs
from portal.jobs.kinds import Invocation
from portal.jobs.models import Artifact, Job
from portal.teams import audit

INGEST_MEMORY_BYTES = 4 * 1024**3


def create_version(team, user, name: str, upload, options: dict | None = None) -> DatasetVersion:
    """Store an uploaded archive as the next version of the team's dataset ``name`` and queue its check.

    ``upload`` is a file of Django's, or an Upload that is whole. ``options`` may hold ``val_fraction``,
    ``seed``, ``class_count``, ``class_names`` and ``layout``. A file is stored before the transaction begins:
    copying gigabytes must not hold a database lock. Raises QuotaReached when no check may wait.
    """
    jobs.refuse_if_full(team)
    if isinstance(upload, Upload):
        return create_version_of(upload, name, options)
    stored = default_storage.save(f"uploads/{uuid.uuid4().hex}.bin", upload)
    try:
        with transaction.atomic():
            return _add_version(team, user, name, stored, upload.name, options or {})
    except BaseException:
        default_storage.delete(stored)
        raise


@transaction.atomic
def create_version_of(upload: Upload, name: str, options: dict | None = None) -> DatasetVersion:
    """Make a whole resumable upload the next version of its team's dataset ``name`` and queue its check.

    Called again for the same dataset, it returns the version that is there. Raises NotWhole, Expired,
    or InUse when it has become a version of another dataset.
    """
    upload = Upload.objects.select_for_update().get(pk=upload.pk)
    if upload.version and upload.version.dataset.name == name:
        return upload.version
    if upload.version:
        raise InUse(f"This upload has become {upload.version} already: upload the file again for {name}.")
    if upload.is_expired:
        raise Expired(f"The upload of {upload.filename} has expired: upload the file again.")
    if not upload.is_whole:
        raise NotWhole(
            f"Of {upload.filename}, {upload.offset} of {upload.length} bytes are here: send the rest first."
        )
    version = _add_version(upload.team, upload.created_by, name, "", upload.filename, options or {})
    Upload.objects.filter(pk=upload.pk).update(version=version)
    return version


def _add_version(team, user, name: str, stored: str, upload_name: str, options: dict) -> DatasetVersion:
    dataset, _ = Dataset.objects.get_or_create(team=team, name=name, defaults={"created_by": user})
    Dataset.objects.select_for_update().get(pk=dataset.pk)  # two uploads must not get one number
    last = dataset.versions.aggregate(last=Max("number"))["last"] or 0
    version = DatasetVersion.objects.create(
        dataset=dataset,
        team=team,
        number=last + 1,
        upload=stored,
        upload_name=Path(upload_name).name[:255],
        options=options,
        job=jobs.submit("ingest", team, user),
    )
    audit.record("dataset.upload", version, actor=user, detail=version.upload_name)
    return version


def prepare_ingest(job: Job, folder: Path) -> Invocation:
    version = job.dataset_version
    archive = folder / "upload.bin"
    if version.upload:
        fetch(version.upload, archive)
    else:
        pieces.join(version.received, archive)
    defaults = {"val_fraction": 0.2, "seed": 0, "class_count": None, "class_names": None, "limits": {}}
    return Invocation(
        argv=[sys.executable, "-m", "portal.datasets.ingest"],
        inputs={"archive": str(archive)},
        params={**defaults, **version.options, "filename": version.upload_name},
        memory_bytes=INGEST_MEMORY_BYTES,
    )


def complete_ingest(job: Job, result: dict) -> None:
    version = job.dataset_version
    for name in ("content_hash", "class_names", "counts", "findings", "thumbs", "layout", "task", "split"):
        setattr(version, name, result[name])
    version.images, version.bytes = result["images"], result["bytes"]
    version.train_images, version.val_images = result["train"], result["val"]
    version.archive = Artifact.objects.get(job=job, name="dataset.tar").file.name
    version.save()


def staged(version: DatasetVersion) -> Path:
    """The version's folder in this host's cache; unpacked from storage when it is not there yet."""
    target = Path(settings.CACHE_DIR) / "datasets" / version.content_hash
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    archive = target.parent / f"{version.content_hash}.{version.pk}.tar"
    fetch(version.archive, archive)
    try:
        return staging.unpack_dataset(archive, target)
    finally:
        archive.unlink(missing_ok=True)


def replace(old: Job, new: Job) -> None:
    DatasetVersion.objects.filter(job=old).update(job=new)


def add_digits(team, user) -> DatasetVersion:
    """Add the bundled sample: scikit-learn's handwritten digits, see ``samples/digits.md``."""
    with (Path(__file__).parent / "samples" / "digits.zip").open("rb") as archive:
        return create_version(team, user, "Handwritten digits", File(archive, name="digits.zip"))
