"""Measures a rollout to many virtual boards, and one of which a third of a wave fails.

    .venv/bin/python -m tests.bench.fleet [--boards 100] [--size 5]

A real ``manage.py serve`` with its eight slots for boards and a limit of 8 for the team, and a process for
each virtual board, whose engine is a process of its own, forked from one that has ONNX Runtime loaded. The
model is one of three colours made by hand, with random bytes behind it up to
``--size`` MB. Every deployment does what it always does: upload, hashes, golden images before and after the
switch; only the watch time after it is 0. The first rollout goes to a quarter of the boards, the second to
all the others, each in one wave. Then a second model goes to all boards in waves of which the second cannot
succeed on every third board, because it shows another host key than the pinned one.

Prints one JSON object as its last line: ``boards``; ``seconds`` for all boards, from the call to the last
board's end, as the sum of both rollouts; ``growth_exponent``, of the seconds with the number of boards, from
the two rollouts; ``cpu``, the seconds of processor time that both took, of the portal and of the boards,
which share the machine here, and ``cpu_seconds_per_board``, both together, which other load on the machine
hardly changes; ``halted_ok``: the third rollout halted in its second wave, began no board of
the next one, and every board still answers its golden images with one whole release.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bench import processes as cpu
from tests.bench.attacks.scene import connect_database
from tests.bench.serving import Portal, serving

SLOTS = 8
LIMIT_SECONDS = 1800
POLL_SECONDS = 0.5
MEGABYTE = 1_000_000
BAD_KEY = "ssh-ed25519 SHA256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg"


class Boards:
    """The process that holds the virtual boards, and a handle to each."""

    def __init__(self, count: int, folder: Path):
        from tests.devices import boards

        boards.PATIENCE_SECONDS = 300.0
        self.process, self.each = boards.start_many(count, folder)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@contextlib.contextmanager
def running_boards(count: int, folder: Path) -> Iterator[Boards]:
    found = Boards(count, folder)
    try:
        yield found
    finally:
        found.stop()


class Fleet:
    """The rows of the boards and of two models, and the portal that rolls them out."""

    def __init__(self, portal: Portal, held: Boards, size: float):
        from portal.teams.models import Quota, Team, User
        from tests.devices import boards, live

        self.client, self.server = portal.client(), portal.server
        self.host, self.boards = held.process, held.each
        connect_database(portal)
        team, user = Team.objects.get(), User.objects.get()
        Quota.objects.create(team=team, by=Quota.By.TEAM, running_deploy=SLOTS)
        with tempfile.TemporaryDirectory() as folder:
            artifacts = boards.make_tiny_model(Path(folder))
            head = (artifacts / "model.rknn").read_bytes()
            rows = live.Rows(team, user, self.boards[0], artifacts)
            self.models = []
            for name in ("First", "Second"):
                weights = random.Random(name).randbytes(round(size * MEGABYTE))
                (artifacts / "model.rknn").write_bytes(head + weights)
                run = rows.run(name)
                run.steps.filter(kind="deploy").delete()
                self.models.append(self.client.model_of(run.pk))
        self.devices = [rows.device, *(self._device(rows, n) for n in range(1, len(self.boards)))]

    def _device(self, rows, number: int):
        from portal.devices.models import Device

        row = Device.objects.get(pk=rows.device.pk)
        row.pk, row.name, state = None, f"Board {number:03}", self.boards[number].state
        row.port, row.host_key = state["port"], state["host_key"]
        row.secret = live_secret(row)
        row.save(force_insert=True)
        return row

    def roll_out(self, model: int, devices: list, **options) -> tuple[dict, float]:
        """Start a rollout, wait until it does nothing more; return it and the seconds."""
        body = {"model": model, "devices": [row.pk for row in devices], "at_once": SLOTS, **options}
        start = time.monotonic()
        row = self.client.post("rollouts/", json=body)
        while row["status"] == "running" or row["counts"].get("running"):
            if time.monotonic() > start + LIMIT_SECONDS:
                raise RuntimeError(f"The rollout did not end: {row['counts']}")
            time.sleep(POLL_SECONDS)
            row = self.client.get(f"rollouts/{row['id']}/")
        return row, time.monotonic() - start

    def cpu_seconds(self) -> dict[str, float]:
        """So far."""
        pids = {"portal": self.server.pid, "boards": self.host.pid}
        return {name: cpu.cpu_seconds([pid]) for name, pid in pids.items()}

    def spoil(self, devices: list) -> None:
        """Pin another host key for every third of the devices."""
        from portal.devices.models import Device

        Device.objects.filter(pk__in=[row.pk for row in devices[::3]]).update(host_key=BAD_KEY)

    def answers(self, number: int) -> bool:
        """Whether the board's current release is whole and predicts its golden images."""
        from portal.core import configs
        from portal.deployment import steps
        from portal.devices.errors import BoardError

        try:
            with self.boards[number].connect() as connection:
                steps.check(connection, configs.boards()["virtual"])
        except BoardError as error:
            print(f"board {number}: {error}", file=sys.stderr)
            return False
        return True


def live_secret(row) -> str:
    from tests.devices import boards, live

    return live.secret(password=boards.PASSWORD)


def measure(fleet: Fleet) -> dict:
    few, before = max(1, len(fleet.devices) // 4), fleet.cpu_seconds()
    first, seconds_few = fleet.roll_out(fleet.models[0], fleet.devices[:few])
    rest = fleet.devices[few:]
    second, seconds_rest = fleet.roll_out(fleet.models[0], rest)
    if not first["counts"] == {"succeeded": few} or second["counts"] != {"succeeded": len(rest)}:
        raise RuntimeError(f"Not every board runs the model: {first['counts']}, {second['counts']}")
    spent = fleet.cpu_seconds()
    exponent = math.log(seconds_rest / seconds_few) / math.log(len(rest) / few)
    cost = {name: spent[name] - before[name] for name in spent}
    return {
        "boards": len(fleet.devices),
        "seconds": round(seconds_few + seconds_rest, 1),
        "growth_exponent": round(exponent, 3),
        "cpu": {name: round(seconds, 1) for name, seconds in cost.items()},
        "cpu_seconds_per_board": round(sum(cost.values()) / len(fleet.devices), 2),
        "halted_ok": halts(fleet),
    }


def halts(fleet: Fleet) -> bool:
    """Roll out to all, with a third of the second wave failing."""
    wave = len(fleet.devices) // 3
    by_name = sorted(fleet.devices, key=lambda row: row.name)
    fleet.spoil(by_name[1 : 1 + wave])
    row, _seconds = fleet.roll_out(fleet.models[1], by_name, waves=["1", str(wave)], may_fail=0.2)
    boards = list(fleet.client.rows(f"rollouts/{row['id']}/boards/"))
    untouched = all(one["state"] == "waiting" for one in boards if one["wave"] == 3)
    with ThreadPoolExecutor(2) as pool:
        answering = all(pool.map(fleet.answers, range(len(fleet.boards))))
    print(json.dumps({"third": row["counts"], "message": row["message"]}), file=sys.stderr)
    return row["status"] == "halted" and row["wave"] == 2 and untouched and answering


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--boards", type=int, default=100)
    parser.add_argument("--size", type=float, default=5.0, help="of the model, in MB")
    options = parser.parse_args(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    settings = {"DEPLOY_WATCH_SECONDS": "0", "DEPLOY_SLOTS": str(SLOTS)}
    with tempfile.TemporaryDirectory(prefix="slipway-fleet-") as folder, serving(**settings) as portal:
        connect_database(portal)
        with running_boards(options.boards, Path(folder)) as held:
            print(json.dumps(measure(Fleet(portal, held, options.size))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
