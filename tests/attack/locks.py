"""Holds the database's lock as a long writer would, so that nobody else can write."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from django.db import connection


@contextlib.contextmanager
def database_locked() -> Iterator[None]:
    """Within the block every table can be read and none written, over any connection but this one's."""
    holder = _sqlite() if connection.vendor == "sqlite" else _postgres()
    try:
        yield
    finally:
        holder.rollback()
        holder.close()


def _sqlite():
    holder = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    return holder


def _postgres():
    import psycopg

    known = connection.get_connection_params()
    holder = psycopg.connect(
        **{name: known[name] for name in ("dbname", "user", "password", "host", "port") if name in known}
    )
    tables = ", ".join(f'"{name}"' for name in connection.introspection.table_names())
    holder.execute(f"LOCK TABLE {tables} IN EXCLUSIVE MODE")
    return holder
