"""Starts PostgreSQL as the official image does: POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB make the
database at the first start."""

import os
import subprocess
import tempfile
from pathlib import Path

DATA = os.environ["PGDATA"]
USER = os.environ["POSTGRES_USER"]


def make() -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".password") as password:
        password.write(os.environ["POSTGRES_PASSWORD"])
        password.flush()
        subprocess.run(
            ["initdb", "--username", USER, "--pwfile", password.name, "--auth", "scram-sha-256"], check=True
        )
    single = ["postgres", "--single", "-j", "postgres"]
    statement = f'CREATE DATABASE "{os.environ["POSTGRES_DB"]}"\n'
    subprocess.run(single, input=statement, text=True, check=True)
    with (Path(DATA) / "pg_hba.conf").open("a", encoding="ascii") as file:
        file.write("host all all all scram-sha-256\n")


if not (Path(DATA) / "PG_VERSION").exists():
    make()
os.execvp("postgres", ["postgres", "-c", "listen_addresses=*", "-k", "/run/postgresql"])
