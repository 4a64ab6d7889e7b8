"""Disturbs the running compose stack, and reckons up what is lost, done twice, or left behind.

    .venv/bin/python -m tests.bench.chaos [--rounds 100] [--seed 0] [--only WORD …] [--keep]

Needs root, docker, docker compose, and the images that ``tests/containers/run_compose.py`` builds. The stack
of docker-compose.yml runs with a virtual board and with small disks (loop devices). Threads upload (tus,
chunks of 1 MB), edit, export, train small runs one after the other and deploy; each round does one fault to
one container: its first process or any other is killed (-9), it is stopped, restarted or cut off from a
network, or its disk is filled. A person meanwhile asks for pages and repeats nothing.

Prints a line a round. The last line is one JSON object: ``rounds``; ``lost`` (uploads, jobs and runs that did
not end right, after retries of what failed because of a fault); ``twice``; ``ghosts``; ``disagreements`` of
portal and board; ``wrong`` (files with another content than they must have); ``answers`` to the person, and
``findings``: answers that were no outage said in words.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.bench.disturbed.containers import Chaos
from tests.bench.disturbed.stack import ChaosStack, running
from tests.bench.disturbed.stack_reckoning import StackReckoning
from tests.bench.disturbed.stack_work import PLAN, StackWork, few_digits
from tests.bench.disturbed.traffic import Traffic
from tests.bench.disturbed.work import first_run, register_board

READY_SECONDS = 30
PAUSE_SECONDS = (1, 4)
COUNTED = ("lost", "twice", "ghosts", "disagreements", "wrong")


def say(sentence: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {sentence}", file=sys.stderr, flush=True)


def disturb(chaos: Chaos, traffic: Traffic, plan: list[tuple[str, str]], until: float) -> list[dict]:
    """Do the faults, one a round; stop early when the time is over."""
    pauses, rounds = random.Random(len(plan)), []
    for number, (action, service) in enumerate(plan, 1):
        if time.time() > until:
            say("The time is over.")
            break
        traffic.during = f"{number} {action} {service}"
        told = chaos.do(action, service)
        ready = traffic.ready_within(READY_SECONDS)
        time.sleep(pauses.uniform(*PAUSE_SECONDS))
        well = "not ready" if ready is None else f"ready after {ready:.1f} s"
        say(f"{number} {action} {service}: {told}; {well}; {traffic.news()}")
        rounds.append({"action": action, "service": service, "ready": ready})
    chaos.restore()
    return rounds


def measure(options: argparse.Namespace) -> dict:
    with tempfile.TemporaryDirectory(prefix="slipway-chaos-") as name:
        folder = Path(name)
        with running(folder, options.port, options.real_images, options.keep) as stack:
            return _measure(stack, folder, options)


def _measure(stack: ChaosStack, folder: Path, options: argparse.Namespace) -> dict:
    client = stack.client()
    client.patience = 120
    secure = stack.client(stack.authority(folder))
    device = register_board(client, "virtual-board", 2222, stack.secrets["VIRTUAL_BOARD_PASSWORD"])
    run = first_run(secure, device, few_digits(), PLAN)
    say("The first model is on the board.")
    work, chaos = StackWork(stack, device, run, options.seed), Chaos(stack, options.seed)
    work.learn_hashes(client)
    traffic = Traffic(stack.base, stack.client().token)
    plan = chaos.plan(options.rounds, options.only)
    for part in (work, traffic):
        part.start()
    rounds = disturb(chaos, traffic, plan, time.time() + options.minutes * 60)
    say("All faults are over.")
    work.stop()
    traffic.stop()
    stack.connect_database(folder)
    reckoning = StackReckoning(stack, client, work, device)
    reckoning.run()
    return figures(reckoning, work, traffic, rounds) | {
        "seed": options.seed,
        "load": [round(one, 1) for one in os.getloadavg()],
    }


def figures(reckoning: StackReckoning, work: StackWork, traffic: Traffic, rounds: list[dict]) -> dict:
    record, sent = work.record, work.sent.values()
    waits = [one["ready"] for one in rounds if one["ready"] is not None]
    return {
        "rounds": len(rounds),
        **{name: len(getattr(reckoning, name)) for name in COUNTED},
        "findings": len(traffic.findings),
        "jobs": sum(reckoning.statuses.values()),
        "statuses": dict(reckoning.statuses),
        "work": {
            "uploads": len(record.uploads),
            "interrupted": sum(one.interruptions for one in sent),
            "most_bytes_resent": max((one.resent for one in sent), default=0),
            "commits": len(record.commits),
            "exports": record.exports,
            "on_board": len(record.jobs),
            "runs": len(record.runs) + 1,
            "files_compared": reckoning.files,
        },
        "answers": {str(what): count for what, count in traffic.answers.items()},
        "slowest_answer_seconds": round(traffic.slowest, 1),
        "not_ready_after_half_a_minute": len(rounds) - len(waits),
        "longest_until_ready_seconds": round(max(waits, default=0), 1),
        "faults": dict(Counter(one["action"] for one in rounds)),
        "services": dict(Counter(one["service"] for one in rounds)),
        "retried": {kind: count for kind, count in reckoning.retried.items() if "refused" not in kind},
        "details": {name: getattr(reckoning, name)[:10] for name in COUNTED} | {"findings": traffic.findings},
        "failures": dict(reckoning.failures.most_common(20)),
        "unexpected": reckoning.unexpected[:10],
        "trouble": dict(record.trouble.most_common(20)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=120, help="no further round after so long")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="only faults whose names hold one of these")
    parser.add_argument("--port", type=int, default=18100, help="where the portal is published on loopback")
    parser.add_argument("--real-images", action="store_true", help="with the images of docker-compose.yml")
    parser.add_argument("--keep", action="store_true", help="leave the stack running until Enter is pressed")
    print(json.dumps(measure(parser.parse_args()), ensure_ascii=False))


if __name__ == "__main__":
    main()
