"""What the bench of backups does inside the portal: ``fill COUNT BYTES`` or ``go-on BYTES``.

``fill`` makes finished jobs with a file each and prints the names of the files. ``go-on`` prints a line, then
makes further ones and removes some of its own, until it is stopped.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections import deque

import django
from django.core.files.base import ContentFile

KEPT = 40
PAUSE_SECONDS = 0.02


def finish_job(team, user, size: int):
    """A job that ends with a file, in the order in which the portal stores both."""
    from django.db import transaction

    from portal.jobs.models import Artifact, Job, Status

    content = os.urandom(size)
    job = Job.objects.create(kind="train", queue="train", team=team, created_by=user, status=Status.RUNNING)
    artifact = Artifact(job=job, name="model.bin", size=size, sha256=hashlib.sha256(content).hexdigest())
    artifact.file.save(f"jobs/{job.pk}/model.bin", ContentFile(content), save=False)
    with transaction.atomic():
        artifact.save()
        Job.objects.filter(pk=job.pk).update(status=Status.SUCCEEDED)
    return job, artifact


def fill(team, user, count: int, size: int) -> None:
    for _ in range(count):
        print(finish_job(team, user, size)[1].file.name, flush=True)


def go_on(team, user, size: int) -> None:
    own = deque()
    print("begun", flush=True)
    while True:
        own.append(finish_job(team, user, size))
        if len(own) > KEPT:
            job, artifact = own.popleft()
            job.delete()
            artifact.file.delete(save=False)
        time.sleep(PAUSE_SECONDS)


def main(what: str, *numbers: str) -> None:
    django.setup()
    from portal.teams.models import Team, User

    team, _ = Team.objects.get_or_create(name="Backed up")
    user, _ = User.objects.get_or_create(username="alice")
    {"fill": fill, "go-on": go_on}[what](team, user, *map(int, numbers))


if __name__ == "__main__":
    main(*sys.argv[1:])
