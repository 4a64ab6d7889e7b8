"""Measures how pages slow down with the number of a team's devices.

    .venv/bin/python -m tests.bench.devices [--devices 1000] [--times 15]

Two teams in one database, one with 10 devices and one with ``--devices``: each device with a current model
and its health, and a rollout to all of them. Their pages are asked for in turns, in this process.

Prints one JSON object as its last line: ``worst_ratio`` of the median times, ``queries_constant``, and for
each page ``ms``, the two medians, and ``queries``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time

FEW = 10
LIMIT = 3.0


def set_up(folder: str) -> None:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "ALLOWED_HOSTS": "testserver",
        "SLIPWAY_VAR": folder,
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
    }
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def side(count: int):
    """A signed-in client of a team with that many devices, and its pages."""
    from django.test import Client

    from portal.teams.models import Membership, Role, Team, User
    from tests.bulk_devices import fill, pages

    team = Team.objects.create(name=f"Team of {count}")
    user = User.objects.create_user(f"alice-{count}")
    Membership.objects.create(team=team, user=user, role=Role.ADMIN)
    client = Client()
    client.force_login(user)
    return client, pages(*fill(team, user, count))


def ask(client, path: str) -> tuple[float, int]:
    """Milliseconds and queries of one answer."""
    from django.core.cache import cache
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    cache.clear()
    with CaptureQueriesContext(connection) as queries:
        start = time.perf_counter()
        status = client.get(path).status_code
        spent = 1000 * (time.perf_counter() - start)
    if status != 200:
        raise RuntimeError(f"{path} answers {status}")
    return spent, len(queries)


def measure(devices: int, times: int) -> dict:
    few, many = side(FEW), side(devices)
    found, growing, worst = {}, [], 0.0
    for name in few[1]:
        rows = [[ask(client, paths[name]) for client, paths in (few, many)] for _ in range(times + 1)][1:]
        ms = [round(statistics.median(row[n][0] for row in rows), 1) for n in (0, 1)]
        queries = [rows[-1][n][1] for n in (0, 1)]
        found[name] = {"ms": ms, "queries": queries}
        worst = max(worst, ms[1] / ms[0])
        growing += [name] if queries[0] != queries[1] else []
    constant = not growing
    return {"devices": devices, "worst_ratio": round(worst, 2), "queries_constant": constant, "pages": found}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--times", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slipway-devices-") as folder:
        set_up(folder)
        found = measure(options.devices, options.times)
    print(json.dumps(found))
    return 1 if found["worst_ratio"] > LIMIT or not found["queries_constant"] else 0


if __name__ == "__main__":
    sys.exit(main())
