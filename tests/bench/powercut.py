"""Cuts the power of a virtual board at a random byte or step of deployments, and looks what runs after each.

    .venv/bin/python -m tests.bench.powercut [--rounds 200] [--seed 0]

The board's storage is an ext4 file system in a file. At the cut every command and connection of the board
is killed (SIGKILL to its process group) and the file is copied as it is: what ext4 had not written, because
nobody had asked it to, is not in the copy. The board goes on with the copy, whose journal is replayed as
after a real cut. What a card took and did not keep is beyond this model. Needs the right to mount (root).

Each round deploys another release and is cut once. After it the current release is compared with its
manifest's hashes and answers its golden images. Prints one JSON object as its last line: ``rounds``;
``whole``, the rounds after which one whole release answered, the old one or the new one; ``lost``, the
others; of the whole ones, ``old`` and ``new``; ``resumed``, the deployments that went on with an upload
that a cut had broken.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from portal.deployment.release import Release
from portal.deployment.steps import deploy
from portal.devices.connection import BoardConnection
from portal.devices.errors import BoardError, ConnectionLost, Unreachable
from portal.devices.remote_runner import run_release, run_release_manager
from tests.devices import boards
from tests.devices.tiny import tiny_profile, tiny_python, tiny_release

MEGABYTES = 48
EVENTS = 70  # of a deployment, about; a cut that does not come in time is drawn again
WEIGHTS = 300_000


class Card:
    """The board's storage: an ext4 file system in a file, mounted at the board's home."""

    def __init__(self, folder: Path, home: Path):
        self.folder, self.home = folder, home
        self.number = 0
        home.mkdir(parents=True)
        with self.image.open("wb") as stream:
            stream.truncate(MEGABYTES * 1048576)
        run("mkfs.ext4", "-q", str(self.image))
        self.mount()

    @property
    def image(self) -> Path:
        return self.folder / f"card{self.number}.img"

    def mount(self) -> None:
        run("mount", "-o", "loop", str(self.image), str(self.home))

    def cut(self) -> None:
        """Go on with what lies in the file now."""
        before = self.image
        self.number += 1
        run("cp", "--sparse=always", str(before), str(self.image))
        self.unmount()
        before.unlink()
        self.mount()

    def unmount(self) -> None:
        run("umount", "--lazy", str(self.home))


class PlainFolder:
    """Storage that keeps all that was written, for tests where nothing may be mounted."""

    def __init__(self, folder: Path, home: Path):
        home.mkdir(parents=True)

    def cut(self) -> None:
        pass

    def unmount(self) -> None:
        pass


def run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


class Bench:
    def __init__(self, folder: Path, seed: int):
        self.folder, self.random = folder, random.Random(seed)
        self.card = Card(folder, folder / "board" / "home")
        self.profile = tiny_profile(tiny_python(folder))
        boards.PATIENCE_SECONDS = 600.0
        self.board = boards.RunningBoard(folder)
        self.counts: Counter[str] = Counter()
        self.ids: set[str] = set()  # the release that may run: the old one, and the new one while it is tried
        self.bytes = 0

    def release(self, name: str) -> Release:
        # Every third round brings the same content as the one before: an upload that broke off goes on.
        content = random.Random(int(name[1:]) // 3).randbytes(WEIGHTS)
        return tiny_release(self.folder, name, self.profile, content)

    def deploy(self, release: Release) -> None:
        with self.board.connect() as connection:
            done = deploy(connection, self.profile, release)
            self.counts["resumed"] += bool(done.upload.resumed)

    def round(self, number: int) -> None:
        release = self.release(f"r{number}")
        while not self.deploy_with_a_cut(release):
            self.ids = {release.id}
            number += 1_000_000
            release = self.release(f"r{number}")
        self.restart()
        self.counts["rounds"] += 1
        self.look(release)

    def deploy_with_a_cut(self, release: Release) -> bool:
        """False when the deployment went through before the cut came."""
        if self.random.random() < 0.5:
            moment = {"event": self.random.randint(1, EVENTS)}
        else:
            moment = {"after_bytes": self.random.randint(1, release.total_bytes + 6 * 15_000)}
        self.board.order(power_cut=moment | {"back_after": 3600})
        try:
            self.deploy(release)
        except (ConnectionLost, Unreachable):
            return True
        return False

    def restart(self) -> None:
        self.card.cut()
        self.board.order()

    def look(self, release: Release) -> None:
        """Count what runs; what runs now is the old one of the next round."""
        try:
            with self.board.connect() as connection:
                current = self.answering(connection)
        except BoardError as error:
            print(f"{release.id}: {error}", file=sys.stderr)
            current = None
        if current in self.ids | {release.id}:
            self.counts["whole"] += 1
            self.counts["new" if current == release.id else "old"] += 1
            self.ids = {current}
        else:
            print(f"{release.id}: {current} is current", file=sys.stderr)
            self.counts["lost"] += 1

    def answering(self, connection: BoardConnection) -> str | None:
        """The current release, if it is whole and answers."""
        current = run_release_manager(connection, self.profile, "status")["current"]
        folder = f"{self.profile.root}/current"
        run_release(connection, self.profile, folder, "check", timeout=60)  # hashes, and golden images
        return current

    def stop(self) -> None:
        self.board.stop()
        self.card.unmount()


def measure(rounds: int, seed: int) -> dict:
    folder = Path(tempfile.mkdtemp(prefix="slipway-powercut-"))
    bench = Bench(folder, seed)
    try:
        first = bench.release("r0")
        bench.deploy(first)
        bench.ids = {first.id}
        for number in range(1, rounds + 1):
            bench.round(number)
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return {name: bench.counts[name] for name in ("rounds", "whole", "lost", "old", "new", "resumed")}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    figures = measure(options.rounds, options.seed)
    print(json.dumps(figures))
    return 1 if figures["lost"] else 0


if __name__ == "__main__":
    sys.exit(main())
