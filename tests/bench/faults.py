"""Disturbs a busy portal in every way that is known, and reckons up what is lost, done twice, or left behind.

    .venv/bin/python -m tests.bench.faults [--count 60] [--seed 0] [--trainings 2] [--kinds WORD …]

A real ``manage.py serve`` trains one small model; then threads upload, edit, export, deploy and let the
virtual board answer, while ``--count`` faults follow each other: processes are killed (-9) and frozen
(SIGSTOP), the disk is filled, the broker emptied, the link to the board cut, frozen and refused. A killed
supervisor is started again as a person would. The disk is a tmpfs, which needs the right to mount; without
it that fault is left out, and ``disk`` says so. The clock is left alone: it is the whole machine's.

Prints one JSON object as its last line: ``faults``, ``lost``, ``twice``, ``ghosts``, ``disagreements``; what
these count stands in ``details``; ``jobs``, ``seed``, and ``integrity`` of the database.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from slipway import Client

import portal.datasets
from tests.bench import processes
from tests.bench.attacks.scene import connect_database
from tests.bench.disturbed.faults import Disturber
from tests.bench.disturbed.reckoning import Reckoning
from tests.bench.disturbed.work import Work, first_run, register_board
from tests.bench.net import Proxy
from tests.bench.serving import Portal, serving

DIGITS = Path(portal.datasets.__file__).parent / "samples" / "digits.zip"
DISK_MEGABYTES = 1500
PLAN = {"epochs": 1, "calibration_images": 10, "board_images": 10}


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


@contextlib.contextmanager
def own_disk() -> Iterator[Path | None]:
    """A small file system to fill; None where this process may not mount one."""
    with tempfile.TemporaryDirectory(prefix="slipway-disk-") as folder:
        argv = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m,mode=700", "tmpfs", folder]
        try:
            mounted = not subprocess.run(argv, capture_output=True).returncode
        except OSError:
            mounted = False
        try:
            yield Path(folder) if mounted else None
        finally:
            if mounted:
                subprocess.run(["umount", "--lazy", folder], check=False)


def first_model(portal: Portal, client: Client, port: int) -> tuple[int, int]:
    """Register the board and train, convert and deploy once, undisturbed; return device and run."""
    password = (portal.var / "secrets" / "virtual-board-password").read_text().strip()
    device = register_board(client, "127.0.0.1", port, password)
    return device, first_run(client, device, DIGITS.read_bytes(), PLAN)


def disturb(disturber: Disturber, work: Work, plan: list[str], trainings: int) -> None:
    pauses = random.Random(len(plan))
    train_at = {len(plan) * (number + 1) // (trainings + 1) for number in range(trainings)}
    for number, kind in enumerate(plan):
        if number in train_at:
            work.train()
        time.sleep(0.5 + 3 * pauses.random())
        say(f"{number + 1} {kind}: {disturber.do(kind)}")
    disturber.restore()


def measure(options: argparse.Namespace) -> dict:
    with own_disk() as disk, serving(disk, DEVICE_CHECK_MINUTES="1") as server:
        try:
            return _measure(server, disk is not None, options)
        finally:
            server.stop()
            processes.kill(list(processes.all_of_portal(server.var)))


def _measure(server: Portal, disk: bool, options: argparse.Namespace) -> dict:
    client = server.client()
    connect_database(server)
    client.patience = 120
    with Proxy(server.board_port) as proxy:
        device, run = first_model(server, client, proxy.port)
        say("The first model is on the board.")
        work = Work(server, device, run, options.seed)
        disturber = Disturber(server, proxy, options.seed, disk)
        disturber.choose(options.kinds)
        plan = disturber.plan(options.count)
        work.start()
        time.sleep(5)
        disturb(disturber, work, plan, options.trainings)
        say("All faults are over.")
        work.stop()
        reckoning = Reckoning(server, client, work.record, device)
        reckoning.run()
    server.stop()
    reckoning.look_after_stopping()
    return figures(reckoning, disturber, work, plan) | {
        "seed": options.seed,
        "integrity": reckoning.integrity(),
        "disk": "filled" if disk else "not filled: this process may not mount a file system",
        "clock": "left alone",
    }


def figures(reckoning: Reckoning, disturber: Disturber, work: Work, plan: list[str]) -> dict:
    names = ("lost", "twice", "ghosts", "disagreements")
    ghosts = [f"outlived the supervisor: {said[:100]}" for said in disturber.leftovers]
    reckoning.ghosts += ghosts
    record = work.record
    return {
        "faults": len(plan),
        **{name: len(getattr(reckoning, name)) for name in names},
        "jobs": sum(reckoning.statuses.values()),
        "statuses": dict(reckoning.statuses),
        "work": {
            "uploads": len(record.uploads),
            "commits": len(record.commits),
            "exports": record.exports,
            "on_board": len(record.jobs),
            "runs": len(record.runs) + 1,
        },
        "kinds": dict(Counter(plan)),
        "details": {name: getattr(reckoning, name)[:10] for name in names},
        "failures": dict(reckoning.failures.most_common(15)),
        "unexpected": reckoning.unexpected[:10],
        "trouble": dict(record.trouble.most_common(15)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__)[0])
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trainings", type=int, default=2)
    parser.add_argument(
        "--kinds", nargs="+", metavar="WORD", help="only faults whose names hold one of these"
    )
    print(json.dumps(measure(parser.parse_args()), ensure_ascii=False))


if __name__ == "__main__":
    main()
