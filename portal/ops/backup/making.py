"""Makes a backup: files first, then the rows of one moment, then the files that came meanwhile."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection

from portal.ops.backup import BackupError, database, keys
from portal.ops.backup.destination import Destination, WorkFolder, copied, digest_of, object_name
from portal.version import VERSION

logger = logging.getLogger(__name__)

FORMAT = 1
NAME = "%Y%m%dT%H%M%S%fZ"
TRIES = 3  # a file that rows of one moment name can be removed before it is copied: another moment then
NEW_FOR = timedelta(hours=24)  # an object that no backup names may belong to one that is being made


@dataclass
class Made:
    """A finished backup."""

    name: str
    files: int = 0
    bytes: int = 0
    copied: int = 0  # of the files; the others were in the destination
    rows: int = 0


@dataclass
class _Copying:
    destination: Destination
    folder: Path
    known: dict[str, dict] = field(default_factory=dict)  # what the newest backup says of each file
    found: dict[str, dict] = field(default_factory=dict)
    copied: int = 0


def make(where: str, progress: Callable[[str], None] = lambda text: None) -> Made:
    """Make a backup in ``where`` while the portal runs. Raises BackupError."""
    destination = Destination(where)
    with _alone(), WorkFolder() as folder:
        copying = _Copying(destination, folder, _known(destination))
        progress("Copying files …")
        _copy_all(copying, sorted(_names_now()))
        progress("Copying rows …")
        snapshot = _whole_snapshot(copying)
        return _write(copying, snapshot)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One backup at a time on this machine."""
    path = settings.VAR_DIR / "run" / "backup.lock"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError("Another backup is being made: wait until it has ended.") from None
        yield


def _known(destination: Destination) -> dict[str, dict]:
    names = destination.names()
    return destination.manifest(names[-1])["files"] if names else {}


def _names_now() -> set[str]:
    with connection.cursor() as cursor:
        return database.file_names(cursor)


def _whole_snapshot(copying: _Copying) -> database.Snapshot:
    missing: list[str] = []
    for _ in range(TRIES):
        snapshot = database.take(copying.folder)
        before, missing = missing, _copy_all(copying, sorted(snapshot.names - copying.found.keys()))
        if not missing or missing == before:
            break
    if missing:
        # Gone for good: the portal has lost them already, and says so where they are used.
        logger.warning("The backup lacks %s files that rows name, such as %s.", len(missing), missing[0])
    return snapshot


def _copy_all(copying: _Copying, names: list[str]) -> list[str]:
    """Copy these stored files; the names of those that are gone."""
    return [name for name in names if not _copy(copying, name)]


def _copy(copying: _Copying, name: str) -> bool:
    try:
        size, changed = default_storage.size(name), default_storage.get_modified_time(name).isoformat()
        known = copying.known.get(name)
        same = known and (known["bytes"], known["changed"]) == (size, changed)
        if same and copying.destination.has_object(known["sha256"], size):
            copying.found[name] = known
            return True
        with default_storage.open(name, "rb") as source:
            digest, size = copied(source, copying.folder / "object")
    except FileNotFoundError:
        return False
    copying.destination.write_object(digest, copying.folder / "object")
    copying.found[name] = {"sha256": digest, "bytes": size, "changed": changed}
    copying.copied += 1
    return True


def _write(copying: _Copying, snapshot: database.Snapshot) -> Made:
    name = datetime.now(UTC).strftime(NAME)
    files = {path: copying.found[path] for path in sorted(snapshot.names) if path in copying.found}
    tables = {}
    for file in snapshot.files:
        with (snapshot.folder / file).open("rb") as packed:
            digest, size = digest_of(packed)
        tables[file] = {"sha256": digest, "bytes": size}
        copying.destination.write(f"backups/{name}/{file}", snapshot.folder / file)
    manifest = {
        "format": FORMAT,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": VERSION,
        "engine": connection.vendor,
        "migrations": database.applied_migrations(),
        "key": keys.fingerprint(),
        "rows": snapshot.rows,
        "tables": tables,
        "files": files,
        "missing": sorted(snapshot.names - files.keys()),
    }
    path = snapshot.folder / "manifest.json.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        json.dump(manifest, file)
    copying.destination.write(f"backups/{name}/manifest.json.gz", path)  # last: only now it is a backup
    size = sum(entry["bytes"] for entry in files.values())
    return Made(name, len(files), size, copying.copied, sum(snapshot.rows.values()))


def made_at(name: str) -> datetime:
    """When the backup of this name was made."""
    return datetime.strptime(name, NAME).replace(tzinfo=UTC)


def verify(where: str, name: str = "") -> Made:
    """Read a whole backup, the newest by default, and compare every hash. Raises BackupError."""
    destination = Destination(where)
    name = name or newest(destination)
    manifest = destination.manifest(name)
    wanted = [(f"backups/{name}/{file}", entry) for file, entry in manifest["tables"].items()]
    wanted += [(object_name(entry["sha256"]), entry) for entry in manifest["files"].values()]
    damaged = [path for path, entry in dict(wanted).items() if not _is_whole(destination, path, entry)]
    if damaged:
        raise BackupError(
            f"{len(damaged)} of {len(wanted)} files of the backup {name} are missing or damaged, such as "
            f"{damaged[0]}: make another backup, and check the disk or bucket."
        )
    size = sum(entry["bytes"] for entry in manifest["files"].values())
    return Made(name, len(manifest["files"]), size, 0, sum(manifest["rows"].values()))


def newest(destination: Destination) -> str:
    names = destination.names()
    if not names:
        raise BackupError(f"{destination.where} holds no backup.")
    return names[-1]


def _is_whole(destination: Destination, path: str, entry: dict) -> bool:
    try:
        with destination.open(path) as file:
            return digest_of(file) == (entry["sha256"], entry["bytes"])
    except BackupError:
        return False


def keep(where: str, most: int) -> int:
    """Remove all but the newest ``most`` backups, and objects that none needs; how many backups went."""
    destination = Destination(where)
    gone = destination.names()[:-most] if most else []
    for name in gone:
        destination.remove(name)
    if gone:
        _sweep(destination)
    return len(gone)


def _sweep(destination: Destination) -> None:
    needed = {
        entry["sha256"]
        for name in destination.names()
        for entry in destination.manifest(name)["files"].values()
    }
    horizon = datetime.now(UTC) - NEW_FOR
    for digest in destination.objects():
        if digest not in needed and destination.changed_at(digest) < horizon:
            destination.remove_object(digest)
