"""Small helpers that make rows and files for tests."""

from __future__ import annotations

import io
import zipfile

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from portal.jobs import execution
from portal.jobs.models import Job, Status


def png(colour=(200, 30, 30), size=(16, 16)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def class_zip(classes=("cat", "dog"), images=5) -> SimpleUploadedFile:
    """A zip of class folders; every image differs from every other. The same choice gives the same bytes."""
    return zip_of(
        {
            f"{name}/{column}.png": (40 * row % 256, 11 * column % 256, 7)
            for row, name in enumerate(classes)
            for column in range(images)
        }
    )


def zip_of(colours: dict[str, tuple[int, int, int]]) -> SimpleUploadedFile:
    """A zip of small pictures of one colour each, by path."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, colour in colours.items():
            archive.writestr(zipfile.ZipInfo(path), png(colour))  # without a date of its own: not now's
    return SimpleUploadedFile("pets.zip", buffer.getvalue(), "application/zip")


def run_queued_jobs() -> None:
    """Do what the Celery workers would: execute queued jobs, and those that they lead to, in order."""
    while True:
        waiting = list(Job.objects.filter(status=Status.QUEUED).order_by("id").values_list("id", flat=True))
        if not waiting:
            return
        moved = [execution.execute(pk) for pk in waiting]
        if not any(moved):
            raise AssertionError(f"Jobs {waiting} wait for something that does not come.")
