"""Measures what images, devices, jobs and requests cost a server: the figures of ``scaling.md``.

    .venv/bin/python -m tests.bench.costs [--images 1000] [--looks 200] [--var FOLDER]

Real code on SQLite, in this process and its children. Processor seconds depend little on what else the
machine does. Prints one JSON object as its last line:

- ``images``: of a thousand photos (JPEG, 640 × 480): ``upload_mb``, ``stored_mb``, ``database_kb``, and
  ``cpu_seconds`` from the complete upload to the checked version;
- ``look``: one check of a device, over SSH to a virtual board: ``cpu_ms`` of the portal, ``database_bytes``;
- ``job``: one job that does nothing, from submitting it to its end: ``cpu_ms``, ``database_bytes``;
- ``requests``: ``cpu_ms`` of pages and of calls of the API, of a team with 1,000 devices;
- ``run``: with ``--var``, the folder of a finished ``make demo``: what each of its runs left.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.devices import set_up

MB, KB = 1_000_000, 1_000
JOBS, TIMES = 200, 9


def cpu() -> float:
    """Processor seconds of this process and its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def database_bytes() -> int:
    """The size of the tables and their indexes, without free pages."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA page_count")
        pages = cursor.fetchone()[0]
        cursor.execute("PRAGMA page_size")
        return pages * cursor.fetchone()[0]


def files_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def cost(work: Callable[[], object]) -> tuple[float, int]:
    """Processor seconds of some work, and by how many bytes the database grew."""
    rows, spent = database_bytes(), cpu()
    work()
    return cpu() - spent, database_bytes() - rows


def of_images(team, user, count: int) -> dict:
    from django.core.files import File

    from portal.datasets.services import create_version
    from portal.jobs import execution
    from tests.bench.ingest import make_zip, photo

    files = Path(_storage())
    with tempfile.TemporaryDirectory() as folder:
        upload = make_zip(Path(folder) / "photos.zip", photo, count)
        sent = upload.stat().st_size

        def ingest() -> None:
            with upload.open("rb") as stream:
                version = create_version(team, user, "Photos", File(stream, "photos.zip"))
            execution.execute(version.job_id)
            version.job.refresh_from_db()
            if version.job.status != "succeeded":
                raise RuntimeError(version.job.message)

        before = files_bytes(files)
        spent, rows = cost(ingest)
    share = 1000 / count
    return {
        "upload_mb": round(share * sent / MB, 1),
        "stored_mb": round(share * (files_bytes(files) - before) / MB, 1),
        "database_kb": round(share * rows / KB),
        "cpu_seconds": round(share * spent, 1),
    }


def of_a_look(team, user, looks: int) -> dict:
    """What the regular check of a device costs."""
    from portal.devices import watch
    from portal.devices.models import Device
    from tests.devices.boards import PASSWORD, RunningBoard
    from tests.devices.live import secret

    with tempfile.TemporaryDirectory() as folder:
        board = RunningBoard(Path(folder))
        try:
            device = Device.objects.create(
                team=team, created_by=user, name="Looked at", profile="virtual", host="127.0.0.1",
                port=board.state["port"], host_key=board.state["host_key"], secret=secret(password=PASSWORD),
            )  # fmt: skip

            def look() -> None:
                for _ in range(looks):
                    problem, report = watch._check_and_report(device)
                    if problem is not None:
                        raise RuntimeError(problem)
                    watch._note(device, problem, report)

            spent, rows = cost(look)
        finally:
            board.stop()
    return {"cpu_ms": round(1000 * spent / looks), "database_bytes": round(rows / looks)}


def of_a_job(team, user) -> dict:
    from portal.jobs import execution, kinds, services

    idle = kinds.Kind("idle", "Idle", "default", 60, perform=lambda job, context: {})
    kinds.register(idle)

    def work() -> None:
        for _ in range(JOBS):
            execution.execute(services.submit("idle", team, user).pk)

    spent, rows = cost(work)
    return {"cpu_ms": round(1000 * spent / JOBS, 1), "database_bytes": round(rows / JOBS)}


def of_requests(team, user) -> dict:
    from django.test import Client

    from tests.bulk_devices import fill, pages

    client = Client()
    client.force_login(user)
    paths = dict(pages(*fill(team, user, 1000))) | {
        "dashboard": "/", "api devices": "/api/v1/devices/", "api jobs": "/api/v1/jobs/",
    }  # fmt: skip
    return {name: _request_ms(client, path) for name, path in paths.items()}


def _request_ms(client, path: str) -> float:
    from django.core.cache import cache

    times = []
    for _ in range(TIMES):
        cache.clear()
        began = time.process_time()
        status = client.get(path).status_code
        times.append(1000 * (time.process_time() - began))
        if status != 200:
            raise RuntimeError(f"{path} answers {status}")
    return round(statistics.median(times), 1)


def of_runs(var: Path) -> dict:
    """What the runs of a finished demo left, without its dataset."""
    import sqlite3

    with sqlite3.connect(f"file:{var / 'db.sqlite3'}?mode=ro", uri=True) as database:
        (runs,) = database.execute("SELECT count(*) FROM runs_run").fetchone()
        (files,) = database.execute(
            "SELECT sum(size) FROM jobs_artifact JOIN jobs_job ON jobs_job.id = job_id WHERE kind <> 'ingest'"
        ).fetchone()
        (logs,) = database.execute("SELECT sum(size) FROM jobs_logchunk").fetchone()
        (points,) = database.execute("SELECT count(*) FROM jobs_metric").fetchone()
    return {
        "files_mb": round(files / runs / MB, 1),
        "log_kb": round(logs / runs / KB),
        "curve_points": points // runs,
    }


def _storage() -> str:
    from django.core.files.storage import default_storage

    return default_storage.location


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--looks", type=int, default=200)
    parser.add_argument("--var", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slipway-costs-") as folder:
        set_up(folder)
        from portal.teams.models import Membership, Role, Team, User

        team, user = Team.objects.create(name="Measured"), User.objects.create_user("alice")
        Membership.objects.create(team=team, user=user, role=Role.ADMIN)
        found = {
            "images": of_images(team, user, options.images),
            "look": of_a_look(team, user, options.looks),
            "job": of_a_job(team, user),
            "requests": of_requests(team, user),
        }
    if options.var:
        found["run"] = of_runs(options.var)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
