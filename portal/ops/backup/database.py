"""The rows of one moment: copied while others write, and put into an empty database.

SQLite copies its own file (its backup interface); from PostgreSQL, each table is copied with COPY in one
repeatable-read transaction. Both are exact, whatever the columns hold. PostgreSQL's ``pg_dump`` is not used:
it refuses servers newer than itself, and images hold Debian's.
"""

from __future__ import annotations

import contextlib
import gzip
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from portal.ops.backup import BackupError

BLOCK = 1024 * 1024
SQLITE_FILE = "database.sqlite3.gz"
MIGRATIONS = "django_migrations"


def file_columns() -> list[tuple[str, str]]:
    """The tables and columns that name stored files."""
    return [
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, models.FileField)
    ]


def file_names(cursor) -> set[str]:
    """Of the stored files that rows name, read with the cursor of any database."""
    names = set()
    for table, column in file_columns():
        cursor.execute(f"SELECT {_quoted(column)} FROM {_quoted(table)}")  # noqa: S608 (our own names)
        names |= {name for (name,) in cursor.fetchall() if name}
    return names


class Snapshot:
    """The rows of one moment, packed in a folder."""

    def __init__(self, folder: Path, files: list[str], names: set[str], rows: dict[str, int]):
        self.folder = folder
        self.files = files  # in the folder
        self.names = names  # of the stored files that rows name
        self.rows = rows  # of each table


def take(folder: Path) -> Snapshot:
    """Copy all rows into new files in ``folder``."""
    return _of_sqlite(folder) if connection.vendor == "sqlite" else _of_postgresql(folder)


def _of_sqlite(folder: Path) -> Snapshot:
    copy = folder / "database.sqlite3"
    copy.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(copy)) as target:
        connection.ensure_connection()
        connection.connection.backup(target)
        rows = {table: _one(target, _counting(table)) for table in _tables()}
        names = file_names(target.cursor())
    with copy.open("rb") as source, gzip.open(folder / SQLITE_FILE, "wb", 1) as packed:
        shutil.copyfileobj(source, packed, BLOCK)
    copy.unlink()
    return Snapshot(folder, [SQLITE_FILE], names, rows)


def _of_postgresql(folder: Path) -> Snapshot:
    rows = {}
    with _one_moment() as cursor:
        for table in _tables():
            cursor.execute(_counting(table))
            rows[table] = cursor.fetchone()[0]
            _copy_out(cursor, table, folder / _packed(table))
        names = file_names(cursor)
    return Snapshot(folder, [_packed(table) for table in rows], names, rows)


@contextlib.contextmanager
def _one_moment() -> Iterator:
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield cursor


def _copy_out(cursor, table: str, path: Path) -> None:
    columns = ", ".join(map(_quoted, _columns(cursor, table)))
    with gzip.open(path, "wb", 1) as packed:
        packed.write(columns.encode() + b"\n")
        with cursor.copy(f"COPY {_quoted(table)} ({columns}) TO STDOUT") as copy:
            for block in copy:
                packed.write(block)


def restore(folder: Path, manifest: dict) -> None:
    """Put the rows of a backup into this database, which must be empty; then bring its tables up to date.

    One transaction: after a failure the database is as empty as before. Raises BackupError.
    """
    if manifest["engine"] != connection.vendor:
        raise BackupError(
            f"The backup is of {manifest['engine']} and this portal uses {connection.vendor}: point "
            f"DATABASE_URL to an empty {manifest['engine']} database."
        )
    if connection.vendor == "sqlite":
        _into_sqlite(folder)
    else:
        _migrate_to(manifest["migrations"])
        _into_postgresql(folder, manifest)
    call_command("migrate", verbosity=0, interactive=False)


def _into_sqlite(folder: Path) -> None:
    copy = folder / "database.sqlite3"
    with gzip.open(folder / SQLITE_FILE, "rb") as packed, copy.open("wb") as target:
        shutil.copyfileobj(packed, target, BLOCK)
    with contextlib.closing(sqlite3.connect(copy)) as source:
        if _one(source, "PRAGMA integrity_check") != "ok":
            raise BackupError("The database in the backup is damaged: take another backup.")
        connection.ensure_connection()
        source.backup(connection.connection)
    connection.close()  # what it knew of the tables is out of date


def _into_postgresql(folder: Path, manifest: dict) -> None:
    tables = list(manifest["rows"])
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        # What migrations wrote by themselves, such as permissions, comes from the backup.
        cursor.execute("TRUNCATE " + ", ".join(map(_quoted, tables)))
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for table in tables:
            _copy_in(cursor, table, folder / _packed(table))
        for statement in connection.ops.sequence_reset_sql(no_style(), _models_of(tables)):
            cursor.execute(statement)


def _copy_in(cursor, table: str, path: Path) -> None:
    with gzip.open(path, "rb") as packed:
        columns = packed.readline().decode().strip()
        with cursor.copy(f"COPY {_quoted(table)} ({columns}) FROM STDIN") as copy:
            while block := packed.read(BLOCK):
                copy.write(block)


def _migrate_to(applied: list[list[str]]) -> None:
    """Make the tables as they were when the backup was made."""
    wanted = {tuple(key) for key in applied}
    executor = MigrationExecutor(connection)
    if set(executor.loader.applied_migrations) - wanted:
        raise BackupError(
            "The tables here are newer than the backup: restore into a database without any tables; they are "
            "made as the backup needs them, and then brought up to date."
        )
    graph = executor.loader.graph
    wanted &= set(graph.nodes)
    executor.migrate([key for key in wanted if not _followed(graph, key, wanted)])


def _followed(graph, key: tuple[str, str], wanted: set) -> bool:
    return any(child.key in wanted and child.key[0] == key[0] for child in graph.node_map[key].children)


def applied_migrations() -> list[list[str]]:
    """App and name of each applied migration, in order."""
    return [list(key) for key in MigrationRecorder(connection).applied_migrations()]


def unknown_migrations(applied: list[list[str]]) -> list[str]:
    """Those of a backup that this version does not have: it is older than the backup."""
    known = MigrationExecutor(connection).loader.disk_migrations
    return [f"{app}.{name}" for app, name in applied if (app, name) not in known]


def is_empty() -> bool:
    """Whether nobody has worked with this database yet."""
    from portal.teams.models import User

    if User._meta.db_table not in connection.introspection.table_names():
        return True
    return not User.objects.exists()


def _tables() -> list[str]:
    known = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(set(known) | {MIGRATIONS})


def _models_of(tables: list[str]) -> list[type[models.Model]]:
    found = apps.get_models(include_auto_created=True)
    return [model for model in found if model._meta.db_table in tables] + [MigrationRecorder.Migration]


def _columns(cursor, table: str) -> list[str]:
    return [column.name for column in connection.introspection.get_table_description(cursor, table)]


def _counting(table: str) -> str:
    return f"SELECT count(*) FROM {_quoted(table)}"  # noqa: S608 (our own tables' names)


def _packed(table: str) -> str:
    return f"{table}.copy.gz"


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _one(database: sqlite3.Connection, statement: str):
    return database.execute(statement).fetchone()[0]
