"""Measures how pages and endpoints slow down as a team's history grows.

    .venv/bin/python -m tests.bench.history [--runs 2000] [--points 500] [--only TEXT]

Two databases are filled in one run: one with 120 jobs of 20 runs, one with 12,000 jobs of 2,000 runs and
1,000,000 points of curves. Every page and endpoint that can be read (the tables of rights name them), and
searches and far pages of the lists, are then asked of both in turns, in one process for each database, so
that what else the machine does slows down both. An address whose p95 looks more than three times as long is
asked many more times, and the longer row of times counts.

Both have the same people and the same ten devices. SQLite by default; with DATABASE_URL, such as
``postgres://user:password@127.0.0.1/postgres``, two databases are made on that server and removed at the end
(needs a PostgreSQL server and a user who may create databases).

Prints a line for each address, slowest growth first, and one JSON object as its last line:
``worst_ratio`` of the p95s, ``queries_constant`` and what was measured.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parent.parent.parent
BASELINE_RUNS = 20
ROUNDS, TIMES = 5, 8
AGAIN_ROUNDS = 20
LIMIT = 3.0
MORE = {
    "history, search": "/history/?q=line+best",
    "history, nothing found": "/history/?q=nothing-like-it",
    "history, filtered": "/history/?kind=train&status=failed&recipe=pp_lcnet_x0_25&person=alice",
    "history, chip and tag": "/history/?chip=rk3566&tag=night",
    "history, oldest": "/history/?since=2020-01-01&before=1000000000000000j1",
    "history by API, search": "/api/v1/history/?q=lens+3&kind=run&limit=5",  # as many rows in both
    "runs by API, search": "/api/v1/runs/?q=lens+3&tag=night",
    "jobs by API, none": "/api/v1/jobs/?q=nothing-like-it",
    "runs, none queued": "/runs/?status=queued",
}


# --- in the process of one database -----------------------------------------------------------


def serve(runs: int, points: int) -> None:
    """Fill this process's database, then answer lines of JSON: ``{"address", "times"}``."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    os.environ["ALLOWED_HOSTS"] = "testserver"
    os.environ["API_CALLS_PER_MINUTE"] = "0"
    import django

    django.setup()
    from django.core.management import call_command
    from django.test import Client

    from portal.teams.models import Membership, Role, Team, User
    from tests.addresses import readable
    from tests.bulk import Bulk
    from tests.test_authorization_matrix import make_rows

    logging.disable(logging.WARNING)
    call_command("migrate", verbosity=0)
    team = Team.objects.create(name="Harbour")
    alice = User.objects.create_user("alice", is_superuser=True)
    Membership.objects.create(team=team, user=alice, role=Role.ADMIN)
    Bulk(team, alice, runs, points).fill()
    rows = make_rows(team, alice)
    ids = f"?ids={rows['done'].pk},{rows['failed'].pk},{rows['running'].pk}"
    addresses = {key: path + (ids if "compare" in key else "") for key, path in readable(rows).items()} | MORE
    _analyze()
    gc.collect()
    gc.freeze()  # what the filling left behind is no part of a server's memory
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    _say({"addresses": addresses, "counts": _counts()})
    for line in sys.stdin:
        asked = json.loads(line)
        _say(_measure(client, asked["address"], asked["times"]))


def _analyze() -> None:
    """Let the database learn how its rows are spread, as it does by itself sooner or later."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _counts() -> dict[str, int]:
    from portal.jobs.models import Job, Metric
    from portal.runs.models import Run

    return {"jobs": Job.objects.count(), "runs": Run.objects.count(), "points": Metric.objects.count()}


def _measure(client, address: str, times: int) -> dict:
    """Milliseconds of each call, the queries of one more, and the answer's status."""
    import time

    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for _ in range(2):  # what is done once a minute is done by the first
        with CaptureQueriesContext(connection) as queries:
            answer = _get(client, address)
        counts.append(len(queries))  # now: the next request forgets them
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        _get(client, address)
        spent.append(1000 * (time.perf_counter() - start))
    return {"ms": spent, "queries": counts[-1], "status": answer.status_code}


def _get(client, address: str):
    answer = client.get(address)
    if answer.streaming:
        b"".join(answer.streaming_content)
    return answer


def _say(message: dict) -> None:
    print("@" + json.dumps(message), flush=True)


# --- in the process that compares -------------------------------------------------------------


class Side:
    """One database in its own process."""

    def __init__(self, runs: int, points: int, env: dict[str, str]):
        argv = [sys.executable, "-m", "tests.bench.history", "--serve", "--runs", str(runs)]
        self.process = subprocess.Popen(
            [*argv, "--points", str(points)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=_without_database() | env,
        )  # fmt: skip

    def read(self) -> dict:
        for line in self.process.stdout:
            if line.startswith("@"):
                return json.loads(line[1:])
        raise SystemExit("A measuring process ended early: its error stands above.")

    def ask(self, address: str, times: int) -> dict:
        self.process.stdin.write(json.dumps({"address": address, "times": times}) + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=60)


def _without_database() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}


@contextlib.contextmanager
def databases() -> Iterator[list[dict[str, str]]]:
    """The environments of two processes, each with a new database."""
    address = os.environ.get("DATABASE_URL", "")
    if not address.startswith(("postgres:", "postgresql:")):
        yield [{}, {}]  # each in the folder of its own settings
        return
    import psycopg
    from psycopg import sql

    names = [f"slipway_bench_{os.getpid()}_{side}" for side in ("small", "large")]
    parts = urlsplit(address)
    with psycopg.connect(address, autocommit=True) as server:
        for name in names:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield [{"DATABASE_URL": urlunsplit(parts._replace(path=f"/{name}"))} for name in names]
        finally:
            for name in names:
                server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def p95(times: list[float]) -> float:
    return sorted(times)[int(0.95 * (len(times) - 1))]


class Comparison:
    """One address on both sides: small first, large second."""

    def __init__(self, key: str, sides: list[Side], addresses: list[str]):
        self.key, self.sides, self.addresses = key, sides, addresses
        self.times: list[list[float]] = [[], []]
        self.status: list[int] = [0, 0]
        self.queries: list[int] = [0, 0]

    def run(self, rounds: int, times: int = TIMES) -> None:
        for _ in range(rounds):
            for n, side in enumerate(self.sides):
                found = side.ask(self.addresses[n], times)
                self.times[n] += found["ms"]
                self.status[n], self.queries[n] = found["status"], found["queries"]

    @property
    def ratio(self) -> float:
        return p95(self.times[1]) / p95(self.times[0])

    def __str__(self):
        small, large = (p95(times) for times in self.times)
        return (
            f"{self.ratio:5.2f}  {small:7.1f} → {large:7.1f} ms  "
            f"{self.queries[0]:3} → {self.queries[1]:3} queries  {self.status[1]}  {self.key}"
        )


def compare(sides: list[Side], only: str, rounds: int) -> list[Comparison]:
    small, large = (side.read() for side in sides)
    print(f"small: {small['counts']}, large: {large['counts']}", flush=True)
    found = []
    for key, address in small["addresses"].items():
        if only not in key:
            continue
        one = Comparison(key, sides, [address, large["addresses"][key]])
        one.run(1, 2)  # warm
        one.times = [[], []]
        one.run(rounds)
        if one.ratio > LIMIT:
            one.times = [[], []]
            one.run(AGAIN_ROUNDS)
        found.append(one)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__)[0])
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--points", type=int, default=500, help="points of each run's curves")
    parser.add_argument("--only", default="", help="measure only addresses whose name holds this")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of {TIMES} calls on each side")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.runs, args.points)
        return 0
    with databases() as environments:
        sizes = (BASELINE_RUNS, args.runs)
        sides = [Side(runs, args.points, env) for runs, env in zip(sizes, environments, strict=True)]
        try:
            found = compare(sides, args.only, args.rounds)
        finally:
            for side in sides:
                side.close()
    found.sort(key=lambda one: -one.ratio)
    print(*found, sep="\n")
    broken = [one.key for one in found if any(code >= 500 or code == 429 for code in one.status)]
    refused = [one.key for one in found if any(400 <= code < 500 for code in one.status)]
    growing = [one.key for one in found if one.queries[0] != one.queries[1] and one.key not in refused]
    summary = {
        "worst_ratio": round(found[0].ratio, 2),
        "worst": found[0].key,
        "queries_constant": not growing,
        "queries_growing": growing,
        "addresses": len(found),
        "broken": broken,
        "refused": refused,
    }
    print(json.dumps(summary))
    return 1 if broken or growing or found[0].ratio > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
