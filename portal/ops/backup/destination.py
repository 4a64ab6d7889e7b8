"""Where backups lie: a folder, or a prefix in an S3 bucket."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage

from portal.ops.backup import BackupError

BLOCK = 1024 * 1024
DIGEST_LENGTH = 64
NAME = re.compile(r"\d{8}T\d{12}Z")  # of a backup; other folders are not ours
MANIFEST_BYTES = 1024 * 1024 * 1024  # the most that a manifest may unpack to


class Destination:
    """Named, checksummed files in a folder or a bucket."""

    def __init__(self, where: str):
        """``where`` is a path or ``s3://bucket/prefix``. Raises BackupError."""
        self.where = where
        self.storage = _storage(where)

    def names(self) -> list[str]:
        """Of the finished backups, oldest first."""
        with told(self.where):
            folders = filter(NAME.fullmatch, self._listed("backups")[0])
            return sorted(name for name in folders if self.storage.exists(f"backups/{name}/manifest.json.gz"))

    def manifest(self, name: str) -> dict:
        if name not in self.names():
            raise BackupError(
                f"{self.where} holds no backup {name}: see the list with manage.py backup --list."
            )
        with told(self.where), self.open(f"backups/{name}/manifest.json.gz") as file:
            try:
                text = gzip.GzipFile(fileobj=file).read(MANIFEST_BYTES)
                return json.loads(text)
            except (OSError, EOFError, ValueError) as error:
                raise BackupError(f"The manifest of the backup {name} is damaged ({error}).") from error

    def open(self, name: str) -> BinaryIO:
        with told(self.where):
            return self.storage.open(name, "rb")

    def write(self, name: str, path: Path) -> None:
        """Store the file at ``path`` as ``name``; complete or absent."""
        with told(self.where):
            if isinstance(self.storage, FileSystemStorage):
                _put(path, Path(self.storage.path(name)))
                return
            with path.open("rb") as source:
                self.storage.save(name, File(source))

    def write_object(self, digest: str, path: Path) -> None:
        with told(self.where):
            name = object_name(digest)
            if not self.storage.exists(name) or self.storage.size(name) != path.stat().st_size:
                self.write(name, path)

    def has_object(self, digest: str, size: int) -> bool:
        with told(self.where):
            name = object_name(digest)
            return self.storage.exists(name) and self.storage.size(name) == size

    def objects(self) -> Iterator[str]:
        """The digests of all objects."""
        with told(self.where):
            for folder in self._listed("objects")[0]:
                yield from (
                    name for name in self._listed(f"objects/{folder}")[1] if len(name) == DIGEST_LENGTH
                )

    def changed_at(self, digest: str) -> datetime:
        with told(self.where):
            return self.storage.get_modified_time(object_name(digest))

    def remove_object(self, digest: str) -> None:
        with told(self.where):
            self.storage.delete(object_name(digest))

    def remove(self, name: str) -> None:
        """Remove the files of a backup, its manifest first: what is half removed is no backup."""
        with told(self.where):
            files = self._listed(f"backups/{name}")[1]
            for file in sorted(files, key=lambda file: not file.startswith("manifest")):
                self.storage.delete(f"backups/{name}/{file}")
            self.storage.delete(f"backups/{name}")  # the folder, where storage has folders

    def _listed(self, folder: str) -> tuple[list[str], list[str]]:
        try:
            return self.storage.listdir(folder)
        except FileNotFoundError:
            return [], []


class told:
    """Raise what a disk or a bucket refuses as a BackupError."""

    def __init__(self, where: str):
        self.where = where

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, OSError | BotoCoreError | ClientError):
            raise BackupError(f"{self.where} cannot be read or written: {error}") from error


def object_name(digest: str) -> str:
    return f"objects/{digest[:2]}/{digest}"


def _storage(where: str) -> Storage:
    if not where.startswith("s3://"):
        folder = Path(where).expanduser()
        if not folder.is_absolute():
            raise BackupError(
                f"The destination must be an absolute path or s3://bucket/prefix, not {where!r}."
            )
        return FileSystemStorage(folder, file_permissions_mode=0o600, directory_permissions_mode=0o700)
    from storages.backends.s3 import S3Storage

    bucket, _, prefix = where.removeprefix("s3://").partition("/")
    if not bucket:
        raise BackupError(f"The destination must be like s3://bucket/prefix, not {where!r}.")
    endpoint = settings.BACKUP_S3_ENDPOINT
    return S3Storage(
        bucket_name=bucket, location=prefix.strip("/"), file_overwrite=True, default_acl=None,
        endpoint_url=endpoint or None, addressing_style="path" if endpoint else None,
        max_memory_size=16 * 1024 * 1024,
    )  # fmt: skip


def _put(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(path, temporary)
        temporary.chmod(0o600)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def copied(source: BinaryIO, target: Path) -> tuple[str, int]:
    """Copy ``source`` to ``target``; its SHA-256 in hex and its bytes."""
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as copy:
        while block := source.read(BLOCK):
            digest.update(block)
            size += len(block)
            copy.write(block)
    return digest.hexdigest(), size


def digest_of(source: BinaryIO) -> tuple[str, int]:
    """The SHA-256 in hex, and the bytes."""
    digest, size = hashlib.sha256(), 0
    while block := source.read(BLOCK):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


class WorkFolder:
    """A private folder for as long as the block lasts."""

    def __enter__(self) -> Path:
        parent = Path(settings.JOBS_DIR)
        parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = Path(tempfile.mkdtemp(prefix="backup-", dir=parent))
        os.chmod(self.path, 0o700)
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)
