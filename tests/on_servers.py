"""Runs tests that touch rows against PostgreSQL and Redis instead of SQLite and no broker.

    make test-servers        or: .venv/bin/python -m tests.on_servers [tests/jobs …]

Those of the parts that lock rows and are written by many; ``tests`` for all of them, which takes three times
as long. The last phase of ``.ci/run``.

Needs the Debian packages ``postgresql`` and ``redis-server``. Both are started with empty folders of their
own, on free ports of loopback, and ended afterwards. PostgreSQL refuses to run as root: it then runs as
``postgres``.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.ports import free_port

# Whatever depends on locks, constraints, transactions, the broker or on how a database reads a query.
SUITES = [
    "deployment", "devices", "jobs", "models", "notify", "review", "rollouts", "runs", "teams",
    "test_old_workers.py", "attack/test_accounts.py", "attack/test_database.py", "attack/test_lost_rights.py",
    "attack/test_transactions.py", "core/test_broker.py", "core/test_conditional.py", "core/test_filters.py",
    "core/test_idempotency.py", "datasets/test_drafts.py", "datasets/test_proposals.py",
    "datasets/test_tus_versions.py",
]  # fmt: skip
# Real trainings, browsers and boards do the same whatever keeps the rows.
LEFT_OUT = "not toolchain and not browser and not generators and not fuzz and not ssh and not sqlite"
SECONDS = 60
# A test database needs no safety, only speed.
FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


def binaries() -> Path:
    """Of the newest PostgreSQL that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[4]))
    if not found or not shutil.which("redis-server"):
        sys.exit("Install PostgreSQL and Redis first: apt-get install postgresql redis-server")
    return found[-1].parent


def owner() -> dict[str, object]:
    """Arguments of subprocess that make a process the user's who owns the database."""
    if os.geteuid():
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def postgresql(folder: Path, network: str = "") -> Iterator[str]:
    """The URL of a database. ``network``: other addresses than loopback that may use it, as 10.0.0.0/8."""
    data, port, where = folder / "rows", free_port(), binaries()
    if not os.geteuid():
        shutil.chown(folder, "postgres")
    subprocess.run(
        [where / "initdb", "-D", data, "-A", "trust", "-U", "slipway",
         "--encoding", "UTF8", "--locale", "C.UTF-8"],
        check=True, stdout=subprocess.DEVNULL, cwd="/", **owner(),
    )  # fmt: skip
    if network:
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {network} trust\n")
    server = subprocess.Popen(
        [where / "postgres", "-D", data, "-p", str(port), "-k", folder, *FAST.split(),
         "-h", "0.0.0.0" if network else "127.0.0.1"],
        cwd="/", stderr=(folder / "log").open("wb"), **owner(),
    )  # fmt: skip
    with ended(server):
        wait_for(port)
        yield f"postgresql://slipway@127.0.0.1:{port}/postgres"


@contextlib.contextmanager
def redis(folder: Path, listen: str = "127.0.0.1") -> Iterator[str]:
    """The URL of a broker."""
    port = free_port()
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", listen, "--protected-mode", "no", "--save", "",
         "--dir", folder],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    with ended(server):
        wait_for(port)
        yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def ended(server: subprocess.Popen) -> Iterator[None]:
    try:
        yield
    finally:
        server.terminate()
        server.wait(SECONDS)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    sys.exit(f"No server listens on port {port} after {SECONDS} seconds.")


def migrated(database: str) -> dict[str, str]:
    """Settings of tests that copy a database that was migrated once, and to which nobody is connected."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE DATABASE slipway")
    database = database.removesuffix("postgres") + "slipway"
    environment = os.environ | {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity=0"], env=environment, check=True)
    return {"DATABASE_URL": database, "TEST_DATABASE_TEMPLATE": "slipway"}


def main() -> int:
    chosen = sys.argv[1:] or [f"tests/{name}" for name in SUITES]
    workers = max(2, 3 * len(os.sched_getaffinity(0)) // 2)
    with tempfile.TemporaryDirectory() as rows, tempfile.TemporaryDirectory() as queues:
        with postgresql(Path(rows)) as database, redis(Path(queues)) as broker:
            return subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-n", str(workers), "--dist", "loadfile",
                 "-p", "tests.rows_only", "-m", LEFT_OUT, *chosen],
                env=os.environ | migrated(database) | {"REDIS_URL": broker},
            ).returncode  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
