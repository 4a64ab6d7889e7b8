"""Drafts of captured images: start, add, label, remove, make a version."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Collection

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.camera import archive, origins
from portal.camera.models import CapturedImage, CaptureDraft, CaptureState, Origin
from portal.camera.refused import CaptureRefused
from portal.core import names
from portal.datasets import services as datasets
from portal.datasets.models import Dataset, DatasetVersion
from portal.devices.models import Device
from portal.jobs import services as jobs
from portal.jobs.models import ACTIVE
from portal.teams import audit, quota_usage
from portal.teams.quotas import QuotaReached
from workers.contract.messages import msg
from workers.datakit import images as image_headers
from workers.datakit import names as class_names
from workers.datakit import tasks
from workers.datakit.errors import ImageError, InputError
from workers.datakit.limits import human_bytes

MOST_IMAGES = 2000  # of a draft
MOST_BYTES = 16 * 1024 * 1024  # of an image
MOST_PIXELS = 50_000_000
SUFFIXES = (".jpg", ".png", ".webp")
UPLOAD_NAME = "captured.zip"
KEY = re.compile(r"[A-Za-z0-9._-]{8,64}")


def open_drafts(user, team):
    """A person's drafts that are not a version yet, newest first."""
    return CaptureDraft.objects.for_team(team).filter(created_by=user, state=CaptureState.OPEN)


@transaction.atomic
def begin(team, user, name: str, task: str = "") -> CaptureDraft:
    """The person's open draft for the dataset ``name``, a new one if there is none. Raises CaptureRefused.

    ``task`` is needed only for a dataset without versions.
    """
    name = name.strip()
    if not name or len(name) > 120:
        raise CaptureRefused(_("Give the dataset a name of at most 120 characters."), "dataset")
    if fault := names.fault(name):
        raise CaptureRefused(fault, "dataset")
    base = newest_version(team, name)
    task = base.task if base else task
    if task not in tasks.TASKS:
        raise CaptureRefused(
            _("Choose what the dataset is for: %(tasks)s.") % {"tasks": ", ".join(tasks.TASKS)}, "task"
        )
    draft = open_drafts(user, team).filter(dataset_name=name).first()
    if draft is not None:
        return draft
    try:
        with transaction.atomic():
            draft = CaptureDraft.objects.create(team=team, created_by=user, dataset_name=name, task=task)
    except IntegrityError:  # begun at the same moment, in another window
        return open_drafts(user, team).get(dataset_name=name)
    audit.record("capture.begin", draft, actor=user, detail=name)
    return draft


def newest_version(team, name: str) -> DatasetVersion | None:
    """The version of a dataset that images are added to."""
    dataset = Dataset.objects.for_team(team).live().filter(name=name).first()
    return dataset.versions.live().ready().first() if dataset else None


def class_choices(draft: CaptureDraft) -> list[str]:
    """The names of the dataset's classes, and of those that the images have."""
    base = newest_version(draft.team, draft.dataset_name)
    known = list(base.class_names) if base else []
    used = draft.images.exclude(class_name="").order_by().values_list("class_name", flat=True).distinct()
    return known + sorted(set(used) - set(known))


def clean_class(draft: CaptureDraft, name: str) -> str:
    """The name of a class as the dataset has it; empty for no label. Raises CaptureRefused."""
    name = name.strip()
    if not name:
        return ""
    if tasks.get(draft.task).has_boxes:
        raise CaptureRefused(
            _("Images for detection have no class: draw their boxes once the version is made."), "class_name"
        )
    try:
        name = class_names.check_class_name(name)
    except InputError as error:
        raise CaptureRefused(str(error), "class_name") from error
    key = class_names.class_key(name)
    return next((one for one in class_choices(draft) if class_names.class_key(one) == key), name)


# --- images ---------------------------------------------------------------------------------


def add(
    draft: CaptureDraft, key: str, content: bytes, class_name: str = "", origin: str = ""
) -> CapturedImage:
    """Store an image, or return the one with this key. Raises CaptureRefused, QuotaReached.

    ``origin`` is the signature that came with a frame of a device.
    """
    if not KEY.fullmatch(key):
        raise CaptureRefused(
            _("The key of an image has 8 to 64 letters, digits, dots, dashes or underscores."), "key"
        )
    if (known := draft.images.filter(key=key).first()) is not None:
        return known
    facts = {"class_name": clean_class(draft, class_name), "taken_at": timezone.now()}
    if origin and (signed := origins.read(origin, content)):
        device = Device.objects.for_team(draft.team).filter(pk=signed.device).first()
        facts |= {"device": device, "release": signed.release, "taken_at": signed.taken_at}
        facts["origin"] = Origin.DEVICE
    return store(draft, key, content, **facts)


def store(draft: CaptureDraft, key: str, content: bytes, **facts) -> CapturedImage:
    """Store a new image; if another request with its key was first, return that one's."""
    suffix, width, height = _measured(content)
    refuse_without_room(draft, len(content))
    name = default_storage.save(f"{folder_of(draft)}/{key}{suffix}", ContentFile(content))
    row = CapturedImage(
        draft=draft, key=key, file=name, bytes=len(content), width=width, height=height, **facts
    )
    try:
        with transaction.atomic():
            lock_open(draft)
            row.save(force_insert=True)
    except IntegrityError:
        default_storage.delete(name)
        return draft.images.get(key=key)
    except BaseException:
        default_storage.delete(name)
        raise
    return row


def _measured(content: bytes) -> tuple[str, int, int]:
    """Suffix, width and height. Raises CaptureRefused unless it is an image of a known format."""
    if len(content) > MOST_BYTES:
        raise CaptureRefused(
            _("The image has %(size)s: send at most %(most)s.")
            % {"size": human_bytes(len(content)), "most": human_bytes(MOST_BYTES)},
            "image",
        )
    try:
        width, height, suffix = image_headers.measure(io.BytesIO(content), MOST_PIXELS)
    except ImageError as error:
        raise CaptureRefused(msg("This image {error}: take it again.", error=error), "image") from error
    if suffix not in SUFFIXES:
        raise CaptureRefused(_("Send images as JPEG, PNG or WebP."), "image")
    return suffix, width, height


def refuse_without_room(draft: CaptureDraft, size: int, count: int = 1) -> None:
    """Raise CaptureRefused for a full draft, QuotaReached if the team may not store ``size`` more bytes."""
    if draft.images.count() + count > MOST_IMAGES:
        raise CaptureRefused(
            _("A draft holds at most %(most)d images: make a version of them, then continue.")
            % {"most": MOST_IMAGES}
        )
    left = quota_usage.left(draft.team)
    if left is not None and left < size:
        raise QuotaReached(
            msg(
                "The team's storage is full ({left} left): remove datasets that are no longer used, or "
                "ask an administrator for more.",
                left=human_bytes(left),
            )
        )


@transaction.atomic
def relabel(draft: CaptureDraft, numbers: Collection[int], class_name: str) -> int:
    """Give images another class; return how many. Raises CaptureRefused."""
    lock_open(draft)
    return draft.images.filter(pk__in=numbers).update(class_name=clean_class(draft, class_name))


@transaction.atomic
def remove(draft: CaptureDraft, numbers: Collection[int]) -> int:
    """Remove images; return how many."""
    lock_open(draft)
    rows = list(draft.images.filter(pk__in=numbers))
    draft.images.filter(pk__in=[row.pk for row in rows]).delete()
    _delete_later([row.file.name for row in rows])
    return len(rows)


# --- the end ----------------------------------------------------------------------------------


@transaction.atomic
def commit(draft: CaptureDraft, classes: list[str] | None = None) -> DatasetVersion:
    """Queue the check that makes a version of the images. Raises CaptureRefused, QuotaReached.

    They are added to the dataset's newest version, if there is one. ``classes`` names those of a new dataset
    whose images have no label yet.
    """
    lock_open(draft)
    jobs.refuse_if_full(draft.team)
    _refuse_if_busy(draft)
    labels = Counter(draft.images.values_list("class_name", flat=True))
    if not labels:
        raise CaptureRefused(_("There are no images yet: take some first."))
    bare = labels.pop("", 0)
    if labels and bare:
        raise CaptureRefused(
            ngettext(
                "%(count)d image has no class: give it one, or remove it.",
                "%(count)d images have no class: give them one, or remove them.",
                bare,
            )
            % {"count": bare}
        )
    version = _version_of(draft, bool(labels), classes or [])
    draft.state, draft.version = CaptureState.COMMITTED, version
    draft.save(update_fields=["state", "version"])
    return version


def _version_of(draft: CaptureDraft, has_labels: bool, classes: list[str]) -> DatasetVersion:
    adds = newest_version(draft.team, draft.dataset_name) is not None
    options = {
        archive.OPTION: draft.pk,
        "layout": archive.layout_of(draft, has_labels),
        "sources": archive.sources_of(draft),
        "fresh": True,
    }
    if adds:
        options["mode"] = "add"
    elif not has_labels:
        options["class_names"] = [clean for name in classes if (clean := name.strip())]
        _check_classes(draft, options["class_names"])
    return datasets.upload_version(
        draft.team, draft.created_by, draft.dataset_name, options, upload_name=UPLOAD_NAME
    )


def _check_classes(draft: CaptureDraft, classes: list[str]) -> None:
    if len(classes) < tasks.get(draft.task).least_classes:
        raise CaptureRefused(
            _("Name the classes of the new dataset, one a line: its images have no label yet."), "classes"
        )
    for name in classes:
        try:
            class_names.check_class_name(name)
        except InputError as error:
            raise CaptureRefused(str(error), "classes") from error


def _refuse_if_busy(draft: CaptureDraft) -> None:
    job = draft.captures.filter(job__status__in=ACTIVE).values_list("job", flat=True).first()
    if job is not None:
        raise CaptureRefused(
            _("Job %(job)d is still capturing images for this draft: wait for it, or cancel it.")
            % {"job": job}
        )


@transaction.atomic
def reopen(draft: CaptureDraft) -> None:
    """Go on with images whose version was refused. Raises CaptureRefused."""
    draft.refresh_from_db(from_queryset=CaptureDraft.objects.select_for_update())
    if not can_reopen(draft):
        raise CaptureRefused(_("These images already are a version, or were deleted: take new ones."))
    draft.state, draft.version = CaptureState.OPEN, None
    try:
        with transaction.atomic():
            draft.save(update_fields=["state", "version"])
    except IntegrityError:  # the database lets a person have one, whoever was first
        raise CaptureRefused(
            _("You already have an open draft for this dataset: finish or discard it first.")
        ) from None


def can_reopen(draft: CaptureDraft) -> bool:
    """Whether no version was made of it, and its images still exist."""
    ended = draft.version is None or (draft.version.job.is_final and not draft.version.is_ready)
    return draft.state == CaptureState.COMMITTED and ended and draft.images.exists()


@transaction.atomic
def discard(draft: CaptureDraft) -> None:
    """Remove the images. Raises CaptureRefused."""
    lock_open(draft)
    _refuse_if_busy(draft)
    draft.state = CaptureState.DISCARDED
    draft.save(update_fields=["state"])
    audit.record("capture.discard", draft, detail=draft.dataset_name)
    _forget_images(draft)


def _forget_images(draft: CaptureDraft) -> None:
    names = list(draft.images.values_list("file", flat=True))
    draft.images.all().delete()
    _delete_later(names)


def _delete_later(stored: list[str]) -> None:
    def delete() -> None:
        for name in stored:
            default_storage.delete(name)

    transaction.on_commit(delete)


def refuse_unless_open(draft: CaptureDraft) -> None:
    if not draft.is_open:
        raise CaptureRefused(_("This draft is no longer open: its images are a version, or discarded."))


def lock_open(draft: CaptureDraft) -> None:
    """Lock the draft's row until the transaction ends. Raises CaptureRefused unless it is open."""
    draft.refresh_from_db(from_queryset=CaptureDraft.objects.select_for_update())
    refuse_unless_open(draft)


def folder_of(draft: CaptureDraft) -> str:
    return f"captured/{draft.pk}"


def stored_bytes(team) -> int:
    """Bytes of the images that are not in a version yet."""
    rows = CapturedImage.objects.filter(draft__team=team)
    return rows.order_by().aggregate(sum=Sum("bytes"))["sum"] or 0


def sweep() -> None:
    """Before: images whose version is ready. After: none."""
    done = CaptureDraft.objects.filter(state=CaptureState.COMMITTED, images__isnull=False)
    for draft in done.select_related("version__job").distinct():
        if draft.version is not None and draft.version.is_ready:
            with transaction.atomic():
                _forget_images(draft)
