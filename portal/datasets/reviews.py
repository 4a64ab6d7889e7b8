"""Reviews of how an upload was read: confirm it, have it read again, discard it.

The check has already decoded and packed everything, so a confirmation only writes a row. ``workers.datakit``
does the reading itself.
"""

from __future__ import annotations

import contextlib
import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework.fields import SkipField

from portal.datasets import deletion, upload_retention, usage
from portal.datasets.models import Dataset, DatasetVersion
from portal.datasets.reading_serializers import ReadingSerializer
from portal.datasets.refusals import NotInReview
from portal.datasets.states import Review
from portal.jobs import endings
from portal.jobs import services as jobs
from portal.jobs.models import Job, Status
from portal.notify import services as notify
from portal.teams import audit
from workers.contract.messages import Message, msg

logger = logging.getLogger(__name__)
KEPT = timedelta(days=14)  # enough to return to an upload after a holiday
LARGEST = 4_000_000  # characters of a stored reading; ours have far fewer
EVENT = "dataset.review"
# The options that say how files are read, as in ``Options`` of the ingest program; the others are about the
# split.
READING = "reading"
# The fields that a check fills in. Index and packs stay: with them, equal images need not be packed again.
EMPTY = {
    "content_hash": "", "class_names": [], "counts": [], "findings": [], "statistics": {}, "diff": None,
    "layout": "", "split": "", "images": 0, "train_images": 0, "val_images": 0, "test_images": 0,
    "bytes": 0, "review": Review.WAITING,
    "reading": None, "question": "",
}  # fmt: skip


def after_check(version: DatasetVersion, result: dict[str, Any]) -> bool:
    """Store how an upload was read, in the transaction that ends its check. True if a person must confirm it.

    They must if they asked for a review, or if more than one reading is possible.
    """
    version.reading = readable(result.get("reading"))
    version.question = (version.reading or {}).get("question") or ""
    certain = result.get("certain", True)
    must_wait = version.review == Review.WAITING or not certain
    version.review = Review.WAITING if must_wait else ""
    version.save(update_fields=["reading", "question", "review"])
    if not must_wait and (version.options.get(READING) or version.options.get("layout")):
        _remember(version)
    if not certain:
        notify.emit(EVENT, version.team, version)
    return must_wait


def readable(reading: Any) -> dict[str, Any] | None:
    """A program's report of how an upload was read; None if no page could show it."""
    if not isinstance(reading, dict):
        return None
    try:
        found = [*filter(None, [reading.get("chosen")]), *reading.get("alternatives", [])]
        size = sum(len(str(ReadingSerializer(one).data)) for one in found)
    except (AttributeError, KeyError, TypeError, ValueError, SkipField):
        size = LARGEST + 1
    if size > LARGEST:
        logger.warning("how an upload was read cannot be shown: it is left out")
        return None
    return reading


@transaction.atomic
def after_end(job: Job) -> None:
    """Store the reading of a refused upload: its page then offers alternatives. Remove the upload of a
    ready version: nobody will read it in another way.
    """
    if job.status == Status.FAILED and (reading := readable(job.result.get("reading"))):
        DatasetVersion.objects.filter(job=job).update(reading=reading)
    for version in DatasetVersion.objects.filter(job=job).ready():
        upload_retention.drop(version)


@transaction.atomic
def confirm(version: DatasetVersion, user) -> None:
    """Make a version ready that waits for a person. Its dataset remembers how it was read.

    Raises NotInReview unless it is waiting; of two concurrent confirmations, one wins.
    """
    row = _locked(version)
    if not row.in_review or row.is_deleted:
        raise NotInReview(refusal(row))
    row.review, row.confirmed_by, row.confirmed_at = Review.CONFIRMED, user, timezone.now()
    row.save(update_fields=["review", "confirmed_by", "confirmed_at"])
    _remember(row)
    audit.record("dataset.confirm", row, actor=user)
    upload_retention.drop(row)
    # Runs that were started on it continue.
    transaction.on_commit(lambda: endings.follow_up(row.job))
    version.refresh_from_db()


@transaction.atomic
def reread(version: DatasetVersion, user, changes: dict[str, Any]) -> Job:
    """Check an upload again with other options; the version then waits for a person again.

    ``changes`` are options of ``create_version``; None removes one. Raises NotInReview if the version is
    ready, being checked or deleted, or its upload is gone; QuotaReached if no more checks may be queued.
    """
    jobs.refuse_if_full(version.team)
    row = _locked(version)
    if not can_reread(row):
        raise NotInReview(refusal(row))
    options = {**row.options, **changes}
    options = {name: value for name, value in options.items() if value not in (None, {}, [], "")}
    if READING in changes:
        options.pop("remembered", None)  # the person has answered everything
    for name, value in EMPTY.items():
        setattr(row, name, value)
    row.options = options
    row.job = jobs.submit(row.job.kind, row.team, user)
    row.save(update_fields=["options", "job", *EMPTY])
    audit.record("dataset.reread", row, actor=user)
    version.refresh_from_db()
    return row.job


def discard(version: DatasetVersion, user) -> None:
    """Remove an upload that was not confirmed, with the results of its check; its dataset too, if it never
    had another version. Also a version that ``repeats`` the previous one.

    Raises NotInReview for any other ready version, and while it is being checked. A version used by a run is
    only hidden, like any deleted version.
    """
    with transaction.atomic():
        row = _locked(version)
        if row.is_deleted or not (row.in_review or _is_refused(row) or repeats(row)):
            raise NotInReview(refusal(row))
        deletion.delete_version(row, user, verb="dataset.discard")
    endings.follow_up(row.job)  # runs that wait for it end
    deletion.remove_now(row)


def sweep() -> None:
    """Before: uploads unconfirmed for two weeks. After: none."""
    waiting = DatasetVersion.objects.live().in_review()
    for version in waiting.filter(job__finished_at__lt=timezone.now() - KEPT):
        with contextlib.suppress(NotInReview):  # someone else was faster
            discard(version, None)


def repeats(version: DatasetVersion) -> bool:
    """Whether it is ready, equals the ready version before it, and is not used."""
    earlier = version.dataset.versions.live().ready().filter(number__lt=version.number)
    before = earlier.order_by("-number").values_list("content_hash", flat=True).first()
    return version.is_ready and before == version.content_hash and not usage.is_used(version)


def expires(version: DatasetVersion):
    """When an unconfirmed upload is discarded."""
    return (version.job.finished_at or timezone.now()) + KEPT


def can_reread(version: DatasetVersion) -> bool:
    """Whether it waits for a person or was refused, and its upload still exists."""
    waiting = version.in_review or _is_refused(version)
    return waiting and not version.is_deleted and version.job.kind == "ingest" and has_upload(version)


def has_upload(version: DatasetVersion) -> bool:
    return "import" in version.options or bool(version.upload_bytes or version.upload)


def with_remembered(dataset: Dataset, options: dict[str, Any]) -> dict[str, Any]:
    """The options of a new upload, with the dataset's remembered reading unless they include ``fresh``."""
    options = dict(options)
    if not options.pop("fresh", False) and dataset.reading:
        options["remembered"] = dataset.reading
    return options


def refusal(version: DatasetVersion) -> Message:
    """Why a version cannot be confirmed, read again or discarded now."""
    name = str(version)
    if version.is_deleted:
        return msg("{version} was deleted: restore it first.", version=name)
    if version.is_ready:
        return msg("{version} is ready already and no longer changes: upload the files again.", version=name)
    if version.job.is_active:
        return msg("{version} is being checked: wait for its end.", version=name)
    if _is_refused(version) and has_upload(version):
        return msg("{version} could not be read: have it read in another way first.", version=name)
    return msg("The upload of {version} is no longer on the server: upload it again.", version=name)


def no_reading(version: DatasetVersion) -> Message:
    """Why it is unknown how a version was read."""
    if version.job.is_active:
        return msg("{version} is being checked: wait for its end.", version=str(version))
    return msg(
        "How {version} was read is not known: it was made by edits, or could not be read.",
        version=str(version),
    )


def _is_refused(version: DatasetVersion) -> bool:
    return version.job.status in (Status.FAILED, Status.CANCELLED)


def _locked(version: DatasetVersion) -> DatasetVersion:
    """The row, locked after its dataset's: the same order as in the sweeps."""
    Dataset.objects.select_for_update().get(pk=version.dataset_id)
    rows = DatasetVersion.objects.select_for_update(of=("self",)).select_related("dataset", "job", "team")
    return rows.get(pk=version.pk)


def _remember(version: DatasetVersion) -> None:
    """Remember for the dataset's next upload how a person had this one read or, if in doubt, confirmed it."""
    reading = version.reading or {}
    chosen = reading.get("chosen") or {}
    options = dict(version.options.get(READING) or {})
    if layout := version.options.get("layout"):
        options.setdefault("as", layout)
    if chosen and not reading.get("certain", True):
        used = {name: value for name, value in chosen["options"].items() if name != "tables"}
        options = {**used, **options, "as": chosen["format"]}
    kept = (version.options.get("remembered") or {}).get("options") or {}
    found = {"options": {**kept, **options}, "format": chosen.get("format"), "version": version.number}
    Dataset.objects.filter(pk=version.dataset_id).update(reading=found)
