"""Attacks a served portal while a member of another team goes on working, and says what did not hold.

    .venv/bin/python -m tests.bench.attack [--only NAME …] [--list]

Every attack runs against one real ``manage.py serve``, one after the other. Meanwhile a watcher signs in,
lists and uploads small archives over fresh connections. Prints one JSON object as its last line:
``attacks``; ``held``; ``worst_other_ms``, the watcher's slowest answer; ``rss_growth_mb``, how much more
memory the portal's processes take at the end (PSS); ``failed``, what happened in attacks that did not hold;
and ``calm_ms``, the watcher's slowest answer before the first attack. Each attack's outcome is on stderr.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import re
import sys
import tempfile
import time
import traceback

from tests.bench import attacks
from tests.bench.attacks import ATTACKS, Attack, NotHeld
from tests.bench.attacks.scene import Scene, connect_database, wait_for
from tests.bench.attacks.watcher import Watcher
from tests.bench.serving import serving

CALM_ROUNDS = 6
SETTLE_SECONDS = 60
MEMORY_MB = 200
WHY_CHARACTERS = 500
SECRETS = {
    "EMAIL_PASSWORD": "planted-mail-secret",
    "AWS_SECRET_ACCESS_KEY": "planted-bucket-secret",
}
SETTINGS = SECRETS | {
    "PROXIES": "1",  # so that callers can come from many addresses
    "API_CALLS_PER_MINUTE": "400",
    "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.1/32",
    "DEVICE_CHECK_MINUTES": "0",
}


def load() -> None:
    """Import every module of ``tests.bench.attacks``, which registers the attacks."""
    for module in pkgutil.iter_modules(attacks.__path__):
        importlib.import_module(f"{attacks.__name__}.{module.name}")


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, scene: Scene, watcher: Watcher):
        self.scene, self.watcher = scene, watcher
        self.failed: dict[str, str] = {}
        self.worst = 0.0

    def calm(self) -> float:
        """Let everything load, and return the watcher's slowest answer before the first attack."""
        self.watcher.start()
        wait_for(lambda: self.watcher.rounds >= CALM_ROUNDS // 2, 120)
        self.watcher.answers.clear()
        wait_for(lambda: self.watcher.rounds >= CALM_ROUNDS, 120)
        return max((answer[0] for answer in self.watcher.answers), default=0.0)

    def run(self, attack: Attack) -> None:
        if attack.alone:
            self.watcher.pause()
        self.watcher.answers.clear()
        self.watcher.failures.clear()
        began = time.monotonic()
        why = self._why(attack)
        slowest = max(self.watcher.answers, default=(0.0, "nothing"))
        if self.watcher.failures and not attack.alone:
            why = f"{why} The watcher was refused: {', '.join(self.watcher.failures[:5])}.".strip()
        if why:
            self.failed[attack.name] = why
        if attack.alone:
            self.watcher.go_on()
        else:
            self.worst = max(self.worst, slowest[0])
        words = f"NOT HELD: {why}" if why else "held"
        say(
            f"{attack.name} ({attack.point}): {words}; {time.monotonic() - began:.1f} s, "
            f"watcher's slowest {slowest[0]:.0f} ms ({slowest[1]}), {self.scene.megabytes():.0f} MB"
        )

    def _why(self, attack: Attack) -> str:
        """Why it did not hold; empty when it did."""
        try:
            attack.run(self.scene)
        except NotHeld as error:
            return str(error)[:WHY_CHARACTERS]
        except Exception as error:
            traceback.print_exc()
            return f"The attack itself broke: {type(error).__name__}: {error}"
        return ""


def settled_growth(scene: Scene, before: float) -> float:
    """How much more memory the portal takes, once what is under way has had time to end."""
    least = [scene.megabytes()]

    def is_back() -> bool:
        least.append(scene.megabytes())
        return min(least) - before < MEMORY_MB / 4

    wait_for(is_back, SETTLE_SECONDS, pause=3)
    return min(least) - before


def measure(chosen: list[Attack]) -> dict:
    with (
        tempfile.TemporaryDirectory(prefix="slipway-weights-") as weights,
        serving(**SETTINGS, PRETRAINED_DIR=weights) as portal,
    ):
        portal.client()
        connect_database(portal)
        scene = Scene(portal)
        scene.populate()
        watcher = Watcher(scene)
        bench = Bench(scene, watcher)
        calm = bench.calm()
        before = scene.megabytes()
        say(f"Before: watcher's slowest {calm:.0f} ms, {before:.0f} MB")
        for one in chosen:
            bench.run(one)
        watcher.stop()
        growth = settled_growth(scene, before)
    return {
        "attacks": len(chosen),
        "held": len(chosen) - len(bench.failed),
        "worst_other_ms": round(bench.worst),
        "rss_growth_mb": round(growth),
        "calm_ms": round(calm),
        "failed": bench.failed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__)[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="names, or beginnings of names")
    parser.add_argument("--list", action="store_true", help="list the attacks and end")
    options = parser.parse_args()
    load()
    chosen = [one for one in ATTACKS.values() if not options.only or one.name.startswith(tuple(options.only))]
    if options.list or not chosen:
        for one in chosen or ATTACKS.values():
            print(f"{one.name} ({one.point}): {(one.run.__doc__ or '').splitlines()[0]}")
        return
    print(json.dumps(measure(chosen), ensure_ascii=False))


if __name__ == "__main__":
    main()
