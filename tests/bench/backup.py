"""Measures a backup of a large portal while jobs go on, and its restoration elsewhere.

    .venv/bin/python -m tests.bench.backup [--gigabytes 10] [--folder FOLDER]

Fills a portal on SQLite with jobs and files of random bytes. A second process goes on to finish jobs and
to remove others, with files, while ``manage.py backup`` runs; ``manage.py restore`` fills an empty portal.
Needs three times the space in FOLDER. Prints one JSON object as its last line:

- ``gigabytes``, ``files``, ``rows``: of the backup;
- ``backup_seconds``, ``again_seconds`` (a second backup, which copies what is new), ``restore_seconds``;
- ``jobs_meanwhile``: how many jobs the other process finished during the first backup;
- ``wrong``: restored files whose SHA-256 is not that of their row; ``missing``: files of rows that are not
  there, or were finished before the backup began and not removed; ``broken``: rows that refer to none.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE_BYTES, SMALL_BYTES = 32 * 1024**2, 256 * 1024
WORKING = "tests.bench.backup_work"


def environment(var: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "BACKUP_TO")}
    secrets = {"SECRET_KEY": "bench" * 10, "ENCRYPTION_KEY": "A" * 43 + "="}
    return kept | secrets | {
        "SLIPWAY_VAR": str(var), "DJANGO_SETTINGS_MODULE": "portal.settings", "PYTHONPATH": str(ROOT),
    }  # fmt: skip


def manage(var: Path, *arguments: str) -> float:
    """Seconds of a command of the portal."""
    began = time.monotonic()
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(var), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")
    return round(time.monotonic() - began, 1)


def work(var: Path, *arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-m", WORKING, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, env=environment(var), stdout=subprocess.PIPE, text=True)


def measure(folder: Path, gigabytes: float) -> dict:
    var, elsewhere, place = folder / "portal", folder / "restored", folder / "backups"
    manage(var, "migrate")
    count = max(1, round(gigabytes * 1024**3 / FILE_BYTES))
    filling = work(var, "fill", count, FILE_BYTES)
    before = set(filling.communicate()[0].split())
    if filling.returncode or len(before) != count:
        raise SystemExit("The portal could not be filled.")
    going_on = work(var, "go-on", SMALL_BYTES)
    try:
        going_on.stdout.readline()  # it has begun
        first = _progress(var)
        spent = manage(var, "backup", str(place))
        meanwhile = _progress(var) - first
        again = manage(var, "backup", str(place))
    finally:
        going_on.terminate()
        going_on.wait(30)
    back = manage(elsewhere, "restore", str(place))
    manifest = json.loads(gzip.decompress(max(place.glob("backups/*/manifest.json.gz")).read_bytes()))
    return {
        "gigabytes": round(sum(entry["bytes"] for entry in manifest["files"].values()) / 1024**3, 2),
        "files": len(manifest["files"]), "rows": sum(manifest["rows"].values()), "backup_seconds": spent,
        "again_seconds": again, "restore_seconds": back, "jobs_meanwhile": meanwhile,
        **compared(elsewhere, manifest, before),
    }  # fmt: skip


def _progress(var: Path) -> int:
    with sqlite3.connect(f"file:{var / 'db.sqlite3'}?mode=ro", uri=True, timeout=30) as database:
        return database.execute("SELECT max(id) FROM jobs_job").fetchone()[0]


def compared(var: Path, manifest: dict, before: set[str]) -> dict:
    """What of the restored portal is not as it was."""
    with sqlite3.connect(var / "db.sqlite3") as database:
        artifacts = database.execute("SELECT file, sha256, size FROM jobs_artifact").fetchall()
        broken = len(database.execute("PRAGMA foreign_key_check").fetchall())
        for table, count in manifest["rows"].items():
            found = database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
            broken += abs(found - count)
    wrong, missing = 0, len(before - {name for name, _, _ in artifacts})
    for name, digest, size in artifacts:
        path = var / "files" / name
        if not path.exists():
            missing += 1
            continue
        with path.open("rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == digest
        wrong += not same or path.stat().st_size != size
    return {"wrong": wrong, "missing": missing, "broken": broken}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=10.0)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slipway-backup-", dir=options.folder) as folder:
        found = measure(Path(folder), options.gigabytes)
    print(json.dumps(found))
    return int(bool(found["wrong"] or found["missing"] or found["broken"]))


if __name__ == "__main__":
    sys.exit(main())
