"""Runs that are at work, and people who look at them, in a benchmark's own portal.

``python -m tests.bench.running <runs> <people>`` with ``SLIPWAY_VAR`` set: prints a line of JSON with who may
look at what, then writes what trainings write (an epoch every 5 seconds, points and a line of log every
second) until it is stopped. Nothing is trained: it is the looking that is measured.
"""

from __future__ import annotations

import json
import os
import sys
import time

EPOCH_SECONDS = 5
EPOCHS = 400
FILE_BYTES = 2_000_000


def main(runs: int, people: int) -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from portal.teams.models import Team
    from tests.graphs import job_of

    team = Team.objects.first()
    made = _runs(team, runs)
    sessions, tokens = _people(team, people)
    found = [{"run": run.pk, "job": job_of(run).pk, "file": _file(job_of(run))} for run in made]
    print(json.dumps({"runs": found, "sessions": sessions, "tokens": tokens}), flush=True)
    _work([job_of(run) for run in made])


def _file(job) -> str:
    """The address of a file of the job."""
    from django.core.files.base import ContentFile

    from portal.jobs.models import Artifact

    artifact = Artifact(job=job, name="best.bin", size=FILE_BYTES)
    artifact.file.save(f"jobs/{job.pk}/best.bin", ContentFile(os.urandom(FILE_BYTES)))
    return f"/jobs/{job.pk}/files/best.bin"


def _runs(team, count: int) -> list:
    from portal.jobs.models import Status
    from portal.teams.models import User
    from tests.seed import Seeder

    seed = Seeder(team, User.objects.first())
    version = seed.version()
    made = []
    for number in range(count):
        run = seed.run(version, f"Digits {number + 1}", Status.RUNNING)
        seed.train(run, Status.RUNNING, epochs=12, worker="bench", phase=f"epoch 13/{EPOCHS}", total=EPOCHS)
        made.append(run)
    return made


def _people(team, count: int) -> tuple[list[str], list[str]]:
    """Sign in so many viewers without their passwords; return their sessions, and a token of each."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from portal.teams import tokens
    from portal.teams.models import Membership, User

    sessions, secrets = [], []
    for number in range(count):
        user = User.objects.create(username=f"viewer-{number}")
        Membership.objects.create(team=team, user=user, role="viewer")
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        sessions.append(session.session_key)
        secrets.append(tokens.make(team, user, "bench", ["read"], 1)[1])
    return sessions, secrets


def _work(jobs: list) -> None:
    from django.utils import timezone

    from portal.jobs.models import Job, LogChunk, Metric

    epoch, step = 12, 12 * 12
    for second in range(10**6):
        begun = time.monotonic()
        step += 1
        if second % EPOCH_SECONDS == 0:
            epoch += 1
        for job in jobs:
            line = f"[{second}] epoch {epoch} step {step}: loss 0.0{step % 97:02}\n"
            chunk = LogChunk.objects.create(job=job, offset=job.log_bytes, size=len(line), text=line)
            job.log_bytes = chunk.offset + chunk.size
            columns = {"log_bytes": job.log_bytes, "heartbeat_at": timezone.now(), "done": epoch - 1}
            Job.objects.filter(pk=job.pk).update(phase=f"epoch {epoch}/{EPOCHS}", **columns)
            names = ("train/loss", "train/top1", "train/lr", "train/ips")
            Metric.objects.bulk_create(Metric(job=job, name=name, step=step, value=0.5) for name in names)
        time.sleep(max(0.0, 1 - (time.monotonic() - begun)))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
