"""Boards that freeze, print without end or answer nonsense: ``tests.attack.hostile_board`` in its modes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime

from tests.bench.archives import small_zip
from tests.bench.attacks import attack, require
from tests.bench.attacks.devices import FINAL, board_password, ended, job_of, register
from tests.bench.attacks.scene import Scene, problem, wait_for
from tests.bench.serving import ROOT

PASSWORD = "hostile-board-password"
OPERATOR, OTHER = "alpha-operator", "beta-operator"
CANCEL_SECONDS = 10
NOTICE_SECONDS = 3  # for a slow machine, between the cancel's answer and our look at the clock
LIMIT_SECONDS = 120 + 30  # of a probe, and what an ending may take
TURN_SECONDS = 60  # for another team's work, while boards hang
OUTPUT_MB = 150
FROZEN = [
    "freeze-exec", "silent-exec", "freeze-open", "no-window", "stop-reading", "no-status", "silent",
    "tarpit-greeting", "tarpit-kex", "freeze-auth", "tarpit-auth", "endless-banner", "interactive-endless",
    "silent-sftp", "freeze-sftp-open", "freeze-sftp-write",
]  # fmt: skip
ENDLESS = ["endless-stdout", "endless-stderr", "endless-line", "endless-both", "flood", "giant-answer"]
WRONG = [
    "nan", "infinity", "over-range", "label-number", "label-long", "label-digits", "deep", "control",
    "type-list", "not-json", "no-answer", "many-answers", "garbage-sftp", "changed-key", "drop-exec",
    "huge-packet", "drop-connect", "endless-greeting",
]  # fmt: skip


class Board:
    """A hostile board in a process of its own, registered as a device of alpha."""

    def __init__(self, scene: Scene):
        names = ("SLIPWAY_VAR", "DJANGO_SETTINGS_MODULE")
        environment = {name: value for name, value in os.environ.items() if name not in names}
        argv = [sys.executable, "-m", "tests.attack.hostile_board", "--password", PASSWORD]
        self._process = subprocess.Popen(
            argv, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.scene = scene
        self.port = json.loads(self._process.stdout.readline())["port"]
        made = register(scene, OPERATOR, self.port, PASSWORD)
        require(made.status_code == 201, f"A hostile board cannot be registered: {problem(made)}")
        self.device, self.first_job = made.json()["id"], made.json()["probe_job"]["id"]

    def order(self, text: str) -> None:
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline().strip()
        require(said == "ok", f"The hostile board does not know {text!r}: {said}")

    def probe(self) -> int:
        answer = self.scene.api(OPERATOR).post(f"/api/v1/devices/{self.device}/probe/")
        require(answer.status_code == 202, f"A probe cannot be started: {problem(answer)}")
        return answer.json()["id"]

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def boards(scene: Scene, count: int) -> Iterator[list[Board]]:
    """Good ones at first, probed once."""
    made: list[Board] = []
    try:
        for _ in range(count):
            made.append(Board(scene))
        for board in made:
            status = ended(scene, OPERATOR, board.first_job, 90)
            require(status == "succeeded", f"The first probe of a good board is {status}.")
        yield made
    finally:
        for board in made:
            board.stop()


def _is_under_way(scene: Scene, job: int, seconds: float = 60) -> bool:
    return bool(wait_for(lambda: job_of(scene, OPERATOR, job)["status"] != "queued", seconds))


def cancelled_in_time(scene: Scene, job: int, what: str) -> None:
    """Cancel a job and require its end in time; it may have ended before."""
    began = time.time()
    scene.api(OPERATOR).post(f"/api/v1/jobs/{job}/cancel/")
    status = ended(scene, OPERATOR, job, CANCEL_SECONDS + 30)
    require(status in FINAL, f"{what}: job {job} is {status} long after its cancel.")
    seconds = datetime.fromisoformat(job_of(scene, OPERATOR, job)["finished_at"]).timestamp() - began
    words = f"{what}: job {job} ended {seconds:.1f} s after its cancel."
    require(seconds < CANCEL_SECONDS + NOTICE_SECONDS, words)


def _once_with_a_reason(scene: Scene, job: int, what: str) -> None:
    """The job ended as what it is, and was not run again for that."""
    from portal.jobs.models import Job

    row = Job.objects.get(pk=job)
    lost = row.error_kind in ("lost", "internal") or hasattr(row, "retried_by")
    require(not lost, f"{what}: job {job} ended as {row.error_kind}: {row.message[:150]!r}")
    reason = row.status != "failed" or (row.message and len(row.message) < 3000)
    require(reason, f"{what}: job {job} failed with a message of {len(row.message)} characters.")


@attack("1 frozen boards")
def frozen_boards_hold_every_slot(scene) -> None:
    """Eight boards of one team freeze at once; another team's board and upload must have their turn."""
    others = register(scene, OTHER, scene.portal.board_port, board_password(scene))
    require(others.status_code == 201, f"The other's board cannot be registered: {problem(others)}")
    with boards(scene, 8) as made:
        for board in made:
            board.order("silent-exec")
        jobs = [board.probe() for board in made]
        wait_for(lambda: job_of(scene, OPERATOR, jobs[0])["status"] == "running", 30)
        began = time.monotonic()
        probe = scene.api(OTHER).post(f"/api/v1/devices/{others.json()['id']}/probe/").json()
        file = {"file": ("pets.zip", small_zip(1), "application/zip")}
        upload = scene.api("beta-admin").post("/api/v1/datasets/", data={"name": "turn"}, files=file).json()
        version = f"/api/v1/dataset-versions/{upload['id']}/"
        status = ended(scene, OTHER, probe["id"], TURN_SECONDS)
        checked = lambda: scene.api("beta-admin").get(version).json()["job"]["status"]  # noqa: E731
        wait_for(lambda: checked() in FINAL, TURN_SECONDS)
        seconds = time.monotonic() - began
        require(status == "succeeded", f"The other team's probe is {status} after {seconds:.0f} s.")
        require(checked() in FINAL, f"The other team's upload is {checked()} after {seconds:.0f} s.")
        _cancel_all(scene, jobs, ["eight frozen boards"] * len(jobs))


def _cancel_all(scene: Scene, jobs: list[int], whats: list[str]) -> None:
    """Cancel at the same time, as a person would who ticks them all."""
    failures: list[BaseException] = []

    def cancel(job: int, what: str) -> None:
        try:
            cancelled_in_time(scene, job, what)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=cancel, args=pair) for pair in zip(jobs, whats, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@attack("1 boards that freeze at every step")
def boards_that_freeze_at_every_step(scene) -> None:
    """Freeze while greeting, agreeing on keys, signing in, opening, running, copying; then cancel."""
    with boards(scene, 4) as made:
        for start in range(0, len(FROZEN), len(made)):
            modes = FROZEN[start : start + len(made)]
            jobs = []
            for board, mode in zip(made, modes, strict=False):
                board.order(mode)
                jobs.append(board.probe())
            for job, mode in zip(jobs, modes, strict=True):
                require(_is_under_way(scene, job), f"{mode}: the probe does not begin.")
            time.sleep(2)
            _cancel_all(scene, jobs, modes)


@attack("2 endless output of a board")
def endless_output_of_a_board(scene) -> None:
    """Boards print without end, on every stream; memory stays, a cancel is heard."""
    with boards(scene, 1) as (board,):
        for mode in ENDLESS:
            before = scene.megabytes()
            board.order(mode)
            job = board.probe()
            require(_is_under_way(scene, job), f"{mode}: the probe does not begin.")
            most = before
            for _ in range(6):
                time.sleep(0.7)
                most = max(most, scene.megabytes())
            require(most - before < OUTPUT_MB, f"{mode}: the portal grew by {most - before:.0f} MB.")
            cancelled_in_time(scene, job, mode)
            _once_with_a_reason(scene, job, mode)


@attack("7 wrong answers of a board")
def wrong_answers_of_a_board(scene) -> None:
    """Answers that are no JSON, too deep, too long, of wrong types; pages stay fast, jobs end once."""
    with boards(scene, 4) as made:
        for start in range(0, len(WRONG), len(made)):
            modes = WRONG[start : start + len(made)]
            jobs = []
            for board, mode in zip(made, modes, strict=False):
                board.order(mode)
                jobs.append(board.probe())
            for job, mode in zip(jobs, modes, strict=True):
                status = ended(scene, OPERATOR, job, LIMIT_SECONDS)
                require(status in FINAL, f"{mode}: job {job} is {status} after {LIMIT_SECONDS} s.")
                _once_with_a_reason(scene, job, mode)
        _pages_are_fast(scene, [board.device for board in made])


@attack("7 a giant answer")
def forty_megabytes_of_uname(scene) -> None:
    """A board answers every question with 40 MB; the pages stay fast, the rows stay small."""
    from portal.devices.models import Device

    with boards(scene, 1) as (board,):
        board.order("giant-answer uname")
        job = board.probe()
        ended(scene, OPERATOR, job, LIMIT_SECONDS)
        _once_with_a_reason(scene, job, "40 MB of uname")
        _pages_are_fast(scene, [board.device])
        stored = len(json.dumps(Device.objects.get(pk=board.device).probe))
        require(stored < 100_000, f"{stored} bytes of a board's answers were stored.")


def _pages_are_fast(scene: Scene, devices: list[int]) -> None:
    browser = scene.browser("alpha-viewer", language="zh-hans")
    for path in ("/", "/devices/", *(f"/devices/{pk}/" for pk in devices)):
        began = time.monotonic()
        answer = browser.get(path)
        seconds = time.monotonic() - began
        require(answer.status_code == 200, f"{path}: status {answer.status_code}.")
        require(seconds < 5, f"{path} takes {seconds:.1f} s.")


@attack("23 a board that restarts")
def a_board_that_restarts_for_a_moment(scene) -> None:
    """A board is away for three seconds just as a job begins; the job waits for it."""
    with boards(scene, 1) as (board,):
        board.order("leave")
        job = board.probe()
        time.sleep(3)
        board.order("come_back")
        status = ended(scene, OPERATOR, job, LIMIT_SECONDS)
        words = job_of(scene, OPERATOR, job)["message"]
        require(status == "succeeded", f"The probe of a board that was away for 3 s: {status}: {words[:200]}")
