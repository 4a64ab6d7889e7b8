"""Processes of ``make serve``, killed and stopped at bad moments: nothing lives on twice, nothing hangs.

They share one installation, on a folder and ports of its own, and leave it serving.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from django.conf import settings

from tests.bench import processes
from tests.bench.serving import ROOT, free_port

PATIENCE = 240  # seconds: the machine may be busy
PARTS = [
    ("celery", f"-Q {queue}")
    for queue in ("default", "deploy", "camera", "train", "convert", "upkeep", "errands")
]
PARTS += [("celery", "beat")]


def wait_for(condition, what: str):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            if value := condition():
                return value
        time.sleep(0.2)
    raise AssertionError(f"waited {PATIENCE} s in vain for {what}")


class Served:
    """``make serve`` on a folder of its own."""

    def __init__(self, folder: Path):
        self.var, self.port, self.board_port = folder, free_port(), free_port()
        self.env = os.environ | {
            "SLIPWAY_VAR": str(folder),
            "PORT": str(self.port),
            "VIRTUAL_BOARD_PORT": str(self.board_port) if Path(settings.CONVERT_PYTHON).exists() else "0",
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PYTHONPATH": str(ROOT),
        }
        self.running: list[subprocess.Popen] = []
        self.supervisor: subprocess.Popen | None = None

    def manage(self, *arguments: str) -> subprocess.Popen:
        argv = [sys.executable, "manage.py", *arguments]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self.running.append(subprocess.Popen(argv, cwd=ROOT, env=self.env, **options))
        return self.running[-1]

    def start(self) -> None:
        """Serve, if nobody does, and wait until all of it is there."""
        if self.supervisor is None or self.supervisor.poll() is not None:
            self.supervisor = self.manage("serve")
        wait_for(self.is_up, "the portal")
        wait_for(lambda: all(self.of(*words) for words in PARTS), "the workers")

    def is_up(self) -> bool:
        return requests.get(f"http://127.0.0.1:{self.port}/sign-in/", timeout=30).ok and self.broker()

    def of(self, *words: str) -> list[int]:
        return processes.of_portal(self.var, *words)

    def broker(self) -> list[int]:
        """All that run on this folder. They write a title over their environment, so their folder tells."""
        return [int(place.name) for place in Path("/proc").glob("[0-9]*") if self._is_broker(place)]

    def _is_broker(self, place: Path) -> bool:
        try:
            is_one = b"valkey-server" in (place / "cmdline").read_bytes()
            return is_one and (place / "cwd").readlink() == self.var / "run"
        except OSError:
            return False

    def everything(self) -> set[int]:
        return set(self.of()) | set(self.broker())

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    serving = Served(tmp_path_factory.mktemp("serve"))
    yield serving
    serving.stop()
    processes.kill(list(serving.everything()))


@pytest.fixture
def served(installation):
    installation.start()
    return installation


def test_a_second_installation_and_a_second_broker_are_refused_with_a_sentence(served):
    for command in ("serve", "demo", "broker"):
        second = served.manage(command)
        said = second.communicate(timeout=PATIENCE)[0]
        assert second.returncode == 1
        assert command == "broker" or str(served.supervisor.pid) in said, said
        assert "uses the data folder" in said and "Traceback" not in said, said
        assert ("make serve" if command != "broker" else "A broker") in said
    assert len(served.broker()) == 1 and served.is_up()


def test_whatever_is_killed_there_is_one_clock_afterwards(served):
    for words in (("celery", "beat"), ("celery", "-Q", "upkeep"), ("celery", "beat")):
        (victim,) = wait_for(lambda words=words: served.of(*words), "the clock")
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda words=words, victim=victim: set(served.of(*words)) - {victim}, "its successor")
        assert len(served.of("celery", "beat")) <= 1


def test_a_killed_worker_takes_its_pool_along(served):
    family = wait_for(lambda: len(pids := served.of("celery", "-Q default")) == 3 and pids, "the pool")
    os.kill(min(family), signal.SIGKILL)  # the pool's processes came after it
    wait_for(lambda: not set(served.of("celery", "-Q default")) & set(family), "the end of the pool")


def send(served, code: str) -> str:
    """Run Python in the portal's environment and return what it printed."""
    argv = [sys.executable, "manage.py", "shell", "-v", "0", "-c", code]
    done = subprocess.run(argv, cwd=ROOT, env=served.env, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


SUBMIT = """
import time
from django.db import transaction
from portal.jobs import services
from portal.jobs.models import Job
from portal.teams.models import Team
from portal.devices.models import Device
team = Team.objects.first()
place = {"host": "127.0.0.1", "port": 9, "host_key": "k"}
device = Device.objects.create(team=team, name="d%(n)s", profile="virtual", **place)
began = time.monotonic()
with transaction.atomic():
    job = services.submit("probe", team, None)
    Device.objects.filter(pk=device.pk).update(probe_job=job)
print(job.pk, time.monotonic() - began)
"""
STATUS = "from portal.jobs.models import Job; print(Job.objects.get(pk=%s).status)"


def submit(served, number: int) -> tuple[int, float]:
    pk, seconds = send(served, SUBMIT % {"n": number}).split()[-2:]
    return int(pk), float(seconds)


def is_final(served, pk: int) -> bool:
    return send(served, STATUS % pk).split()[-1] in ("failed", "succeeded")


def test_a_broker_that_hangs_hangs_no_submit_and_its_job_runs_later(served):
    pk, _ = submit(served, 1)
    wait_for(lambda: is_final(served, pk), "the first job")
    (broker,) = served.broker()
    os.kill(broker, signal.SIGSTOP)
    try:
        pk, seconds = submit(served, 2)
        assert seconds < 30, "two seconds and what a busy machine adds"
    finally:
        os.kill(broker, signal.SIGCONT)
    wait_for(lambda: is_final(served, pk), "the job after the broker's pause")


def test_a_broker_that_lost_everything_gets_the_messages_again(served):
    (broker,) = served.broker()
    deploy = wait_for(lambda: served.of("celery", "-Q deploy"), "the worker")
    for pid in deploy:
        os.kill(pid, signal.SIGSTOP)
    pk, _ = submit(served, 3)
    os.kill(broker, signal.SIGKILL)
    wait_for(lambda: served.broker() and served.broker() != [broker], "the next broker")
    for pid in deploy:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: is_final(served, pk), "the job")


def test_everything_dies_with_a_killed_supervisor_and_the_next_one_serves_alone(served):
    before = served.everything()
    served.supervisor.kill()
    served.supervisor.wait()
    wait_for(lambda: not served.everything(), "the end of all that it had started")
    served.start()
    assert len(served.broker()) == 1 and len(served.of("celery", "beat")) == 1
    assert not served.everything() & before
