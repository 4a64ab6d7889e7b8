"""Backups: made while the portal runs, verified, restored elsewhere."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection

from portal.core import encryption
from portal.jobs.models import Artifact, Job, Status
from portal.ops.backup import BackupError, database, making
from portal.ops.backup.destination import Destination

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.django_db(transaction=True)
SHOW = """
from portal.core import encryption
from portal.jobs.models import Artifact
from portal.teams.models import User
for file in Artifact.objects.order_by("pk"):
    print("@", file.name, file.file.read().decode())
print("@", ",".join(User.objects.values_list("username", flat=True)))
"""


@pytest.fixture
def stored(team, alice):
    """Two artifacts of a job, with their files."""
    job = Job.objects.create(
        team=team, created_by=alice, kind="train", queue="train", status=Status.SUCCEEDED
    )
    rows = []
    for name in ("model.onnx", "report.json"):
        path = default_storage.save(f"jobs/{job.pk}/{name}", ContentFile(name.encode()))
        rows.append(Artifact.objects.create(job=job, name=name, file=path, size=len(name), sha256="0" * 64))
    return rows


def test_a_backup_holds_all_rows_and_files_and_the_next_copies_only_what_is_new(stored, tmp_path, team):
    first = making.make(str(tmp_path))
    assert (first.files, first.copied) == (2, 2)
    assert making.verify(str(tmp_path)).rows == first.rows > 5
    path = default_storage.save("jobs/1/more.bin", ContentFile(b"more"))
    Artifact.objects.create(job=stored[0].job, name="more.bin", file=path, size=4, sha256="0" * 64)
    second = making.make(str(tmp_path))
    assert (second.files, second.copied) == (3, 1)
    assert making.keep(str(tmp_path), 1) == 1
    assert Destination(str(tmp_path)).names() == [second.name]
    making.verify(str(tmp_path))


def test_nothing_of_a_backup_is_readable_by_others(stored, tmp_path):
    making.make(str(tmp_path / "backups"))
    for path in (tmp_path / "backups").rglob("*"):
        assert not path.stat().st_mode & 0o077, path


def test_a_damaged_file_is_found(stored, tmp_path):
    making.make(str(tmp_path))
    path = next(path for path in (tmp_path / "objects").rglob("*") if path.is_file())
    path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(BackupError, match=r"1 of \d+ files of the backup .* are missing or damaged"):
        making.verify(str(tmp_path))


def test_a_file_that_comes_between_files_and_rows_is_in_the_backup(stored, tmp_path, monkeypatch):
    take = database.take

    def and_another(folder):
        if not Artifact.objects.filter(name="late.bin").exists():
            path = default_storage.save("jobs/1/late.bin", ContentFile(b"late"))
            Artifact.objects.create(job=stored[0].job, name="late.bin", file=path, size=4, sha256="0" * 64)
        return take(folder)

    monkeypatch.setattr(database, "take", and_another)
    assert making.make(str(tmp_path)).files == 3


def test_a_file_that_is_removed_before_it_is_copied_costs_another_look_at_the_rows(
    stored, tmp_path, monkeypatch
):
    take, removed = database.take, []

    def and_remove(folder):
        found = take(folder)
        if not removed:
            path = default_storage.save("jobs/1/brief.bin", ContentFile(b"brief"))
            found.names.add(path)
            default_storage.delete(path)
            removed.append(path)
        return found

    monkeypatch.setattr(database, "take", and_remove)
    made = making.make(str(tmp_path))
    assert Destination(str(tmp_path)).manifest(made.name)["missing"] == []


def test_it_is_restored_elsewhere_with_the_same_keys_only(stored, tmp_path, settings, another_database):
    where = tmp_path / "backups"
    made = making.make(str(where))
    other = another_database | {"SLIPWAY_VAR": str(tmp_path / "other"), "SECRET_KEY": "x" * 50}
    refused = _manage(other, "restore", str(where))
    assert refused.returncode == 1 and "ENCRYPTION_KEY is not the one of the backup" in refused.stderr
    other["ENCRYPTION_KEY"] = settings.ENCRYPTION_KEY
    restored = _manage(other, "restore", str(where))
    assert restored.returncode == 0, restored.stderr
    assert f"Restored {made.name}: {made.rows} rows and 2 files." in restored.stdout
    shown = [line for line in _manage(other, "shell", "-c", SHOW).stdout.splitlines() if line.startswith("@")]
    assert shown[:2] == ["@ model.onnx model.onnx", "@ report.json report.json"]
    assert "alice" in shown[2]
    again = _manage(other, "restore", str(where))
    assert again.returncode == 1 and "has people already" in again.stderr


def test_a_backup_of_a_newer_version_is_refused(stored, tmp_path, monkeypatch):
    monkeypatch.setattr(database, "applied_migrations", lambda: [["runs", "9999_from_the_future"]])
    making.make(str(tmp_path))
    with pytest.raises(CommandError, match="made by a newer version of Slipway"):
        call_command("restore", str(tmp_path))


@pytest.mark.parametrize("part, path", [("tables", "../x.gz"), ("files", "../x"), ("files", "/etc/x")])
def test_a_backup_that_would_write_elsewhere_is_refused(stored, tmp_path, monkeypatch, part, path):
    name = making.make(str(tmp_path)).name
    shutil.copytree(tmp_path / "backups" / name, tmp_path / "backups" / "old copy")
    assert Destination(str(tmp_path)).names() == [name]
    manifest = Destination(str(tmp_path)).manifest(name)
    manifest[part][path] = {"sha256": "0" * 64, "bytes": 1}
    monkeypatch.setattr(Destination, "manifest", lambda self, name: manifest)
    with pytest.raises(CommandError, match="would write to"):
        call_command("restore", str(tmp_path))


def test_the_secrets_are_written_apart(stored, tmp_path, settings):
    file = tmp_path / "secrets.json"
    call_command("backup", str(tmp_path / "backups"), secrets=file, stdout=open(os.devnull, "w"))
    assert json.loads(file.read_text())["ENCRYPTION_KEY"] == settings.ENCRYPTION_KEY
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CommandError, match="Keep the secrets elsewhere"):
        call_command("backup", str(tmp_path / "backups"), secrets=tmp_path / "backups" / "secrets.json")
    with pytest.raises(CommandError, match="exists: choose another name"):
        call_command("backup", str(tmp_path / "backups"), secrets=file)
    sealed = encryption.seal({"password": "p"})
    for path in (tmp_path / "backups").rglob("*"):
        assert path.is_dir() or settings.ENCRYPTION_KEY.encode() not in path.read_bytes()
    assert encryption.unseal(sealed)


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("backups", "must be an absolute path"),
        ("s3://", "must be like s3://bucket/prefix"),
        ("/proc/nothing-can-be-made-here", "cannot be read or written"),
    ],
)
def test_a_destination_that_cannot_be_used_is_named(stored, where, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("backup", where)


def test_the_daily_backup_is_made_when_it_is_due(stored, tmp_path, settings):
    from portal.ops.tasks import back_up

    settings.BACKUP_TO, settings.BACKUP_KEEP = str(tmp_path), 2
    back_up()
    assert not list(tmp_path.iterdir())  # switched off
    settings.BACKUP_EVERY_HOURS = 24
    back_up()
    back_up()
    assert len(Destination(str(tmp_path)).names()) == 1


@pytest.fixture
def another_database():
    """The environment of an empty database of the same engine."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        yield {}
        return
    place = f"{settings['HOST']}:{settings['PORT'] or 5432}"
    user = ":".join(filter(None, (settings["USER"], settings["PASSWORD"])))
    name = f"slipway_restored_{os.getpid()}"
    import psycopg

    with psycopg.connect(f"postgresql://{user}@{place}/postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        yield {"DATABASE_URL": f"postgresql://{user}@{place}/{name}"}
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _manage(env, *args):
    keep = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=ROOT, env=keep | env, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
