"""Writes the images of a draft as an archive for the check that makes a version of them."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

from portal.camera.models import CapturedImage, CaptureDraft
from portal.datasets.models import DatasetVersion
from workers.contract.messages import msg
from workers.datakit import tasks
from workers.datakit.errors import InputError

OPTION = "captured"  # of a version: the draft's id
TABLE = "labels.csv"


def write(version: DatasetVersion, target: Path) -> Path:
    """Write the archive at ``target``. Raises InputError if the images are gone."""
    draft = CaptureDraft.objects.for_team(version.team).filter(pk=version.options[OPTION]).first()
    images = list(draft.images.all()) if draft else []
    if not images:
        raise InputError(msg("The captured images of this version are gone: take new ones."))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for image in images:
            with image.file.open("rb") as stream:
                archive.writestr(name_of(image), stream.read())
        if any(image.class_name for image in images):
            archive.writestr(TABLE, _table(images))
    return target


def name_of(image: CapturedImage) -> str:
    """Its path in the archive, which is its name in the dataset: when it was taken, and its number."""
    suffix = Path(image.file.name).suffix
    return f"{image.taken_at:%Y%m%d-%H%M%S}-{image.pk}{suffix}"


def sources_of(draft: CaptureDraft) -> dict[str, dict[str, str]]:
    """By path: which device took an image, when, and the release that ran there."""
    rows = draft.images.exclude(release="").exclude(device=None).select_related("device")
    return {
        name_of(row): {
            "device": row.device.name,
            "taken_at": row.taken_at.isoformat(timespec="seconds"),
            "release": row.release,
        }
        for row in rows
    }


def layout_of(draft: CaptureDraft, has_labels: bool) -> str:
    """The format in which the check reads the archive."""
    if tasks.get(draft.task).has_boxes:
        return "unlabelled"
    return "csv" if has_labels else "unsorted"


def _table(images: list[CapturedImage]) -> str:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["image", "label"])
    table.writerows((name_of(image), image.class_name) for image in images)
    return text.getvalue()
