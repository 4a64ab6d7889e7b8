"""Restores a backup into an empty portal: files first, rows last, so that a failure leaves it empty."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from django.core.files import File
from django.core.files.storage import default_storage

from portal.ops.backup import BackupError, database, keys
from portal.ops.backup.destination import Destination, WorkFolder, copied, digest_of, object_name
from portal.ops.backup.making import FORMAT, Made, newest


def restore(where: str, name: str = "", progress: Callable[[str], None] = lambda text: None) -> Made:
    """Restore a backup, the newest by default. Can be repeated after a failure. Raises BackupError."""
    destination = Destination(where)
    name = name or newest(destination)
    manifest = destination.manifest(name)
    _check(name, manifest)
    with WorkFolder() as folder:
        progress("Copying files …")
        for path, entry in manifest["files"].items():
            _restore_file(destination, path, entry, folder / "object")
        progress("Copying rows …")
        for file, entry in manifest["tables"].items():
            _fetch(destination, f"backups/{name}/{file}", entry, folder / file)
        database.restore(folder, manifest)
    size = sum(entry["bytes"] for entry in manifest["files"].values())
    return Made(name, len(manifest["files"]), size, 0, sum(manifest["rows"].values()))


def _check(name: str, manifest: dict) -> None:
    outside = [path for path in manifest["files"] if _leads_out(path)]
    outside += [file for file in manifest["tables"] if Path(file).name != file]
    if outside:
        raise BackupError(f"The backup {name} would write to {outside[0]!r}: somebody has changed it.")
    if manifest["format"] != FORMAT:
        raise BackupError(f"The backup {name} has format {manifest['format']}; this version reads {FORMAT}.")
    unknown = database.unknown_migrations(manifest["migrations"])
    if unknown:
        raise BackupError(
            f"The backup {name} was made by a newer version of Slipway ({manifest['version']}; it has "
            f"{unknown[0]}): install that version or a newer one, and restore with it."
        )
    if manifest["key"] != keys.fingerprint():
        raise BackupError(
            "This server's ENCRYPTION_KEY is not the one of the backup, so the credentials of boards could "
            "not be read: set ENCRYPTION_KEY and SECRET_KEY to the ones that were kept, then restore again."
        )
    if not database.is_empty():
        raise BackupError(
            "This portal has people already, and a backup would replace everything: restore into an empty "
            "database."
        )


def _leads_out(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts


def _restore_file(destination: Destination, path: str, entry: dict, temporary: Path) -> None:
    if _is_there(path, entry):
        return
    _fetch(destination, object_name(entry["sha256"]), entry, temporary)
    if default_storage.exists(path):
        default_storage.delete(path)
    with temporary.open("rb") as source:
        stored = default_storage.save(path, File(source))
    if stored != path:
        raise BackupError(f"{path} was stored as {stored}: restore into a portal that nobody uses yet.")


def _is_there(path: str, entry: dict) -> bool:
    """Whether an earlier try has copied it."""
    if not default_storage.exists(path):
        return False
    with default_storage.open(path, "rb") as file:
        return digest_of(file) == (entry["sha256"], entry["bytes"])


def _fetch(destination: Destination, name: str, entry: dict, target: Path) -> None:
    with destination.open(name) as source:
        found = copied(source, target)
    if found != (entry["sha256"], entry["bytes"]):
        raise BackupError(f"{name} in the backup is damaged: restore another one (manage.py backup --list).")
