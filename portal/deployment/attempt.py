"""One deployment attempt: upload the release, switch to it, run its trial, measure it."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from portal.core.files import fetch_artifact
from portal.datasets.staged_cache import staged
from portal.deployment import doctor, gate, release, steps
from portal.deployment.boardlock import BoardLock, locked_board
from portal.deployment.measuring import measure
from portal.deployment.models import Deployment
from portal.devices import health, running
from portal.devices.connection import BoardConnection
from portal.devices.errors import BoardError, ConnectionLost, RemoteFailed, RemoteTimeout
from portal.devices.services import sign_in
from portal.jobs.context import JobContext
from portal.jobs.execution import job_folder
from portal.jobs.models import Job
from portal.models import evaluations
from portal.models.evaluations import Evaluated
from portal.models.lineage import provenance
from portal.tasks import Stage
from workers.contract.messages import join, msg

RESUMES = 3  # after a broken connection
LOOK_SECONDS = 30.0
WATCH_EVERY_SECONDS = 5.0
POLL_SECONDS = 0.25


def perform(job: Job, context: JobContext) -> dict:
    """Execute a deployment. A broken connection is resumed; what cannot be finished is undone."""
    attempt = Attempt(job.deployment, context)
    shutil.rmtree(job_folder(job), ignore_errors=True)
    try:
        attempt.prepare(job_folder(job) / "release")
        with _timed(context, "board"):
            return _resumed(attempt.run, context)
    except (ConnectionLost, RemoteTimeout) as error:
        attempt.recheck(error)
        raise
    finally:
        shutil.rmtree(job_folder(job) / "release", ignore_errors=True)


def _resumed(work: Callable[[], dict], context: JobContext) -> dict:
    """Do the work; if the connection breaks, reconnect and continue, a few times."""
    for _ in range(RESUMES):
        try:
            return work()
        except ConnectionLost as error:
            context.log(str(error))
    return work()


@contextlib.contextmanager
def _timed(context: JobContext, tool: str):
    """Count the seconds inside as time on the board."""
    start = time.monotonic()
    try:
        yield
    finally:
        spent = context.tool_seconds.get(tool, 0.0) + time.monotonic() - start
        context.tool_seconds[tool] = round(spent, 3)


class Attempt(steps.Trial):
    """The work of a deployment's job, over as many connections as it takes; it writes the deployment's
    rows.
    """

    connection: BoardConnection
    lock: BoardLock

    def __init__(self, deployment: Deployment, context: JobContext):
        self.deployment, self.device, self.context = deployment, deployment.device, context
        self.profile = deployment.device.board_profile
        self.keep = self.profile.keep_releases
        self.built: release.Release | None = None
        self.name = deployment.source.release if deployment.source else ""
        self.evaluations: list[dict] = []
        self.golden: list[dict] = []
        self.switched_in = ""  # the boot of the board during which it switched

    def prepare(self, folder: Path) -> None:
        """Build the release, unless it is already on the board; record what will run there."""
        if self.deployment.source:
            intended = self.deployment.source.placed | {"release": self.name}
        else:
            self.context.phase(msg("preparing the release"))
            self.built, self.expected, self.dataset = build_release(self.deployment, folder)
            self.name, built = self.built.id, self.built
            header = doctor.header_of(folder / "model.rknn")
            self.examine = partial(doctor.examine, self.device, header, lambda: self.lock.status)
            self.context.log(f"release {built.id}: {len(built.files)} files, {built.total_bytes} bytes")
            intended = release_facts(built, self.profile.root)
        # Before anything changes on the board: see ``devices/running.py``.
        self.deployment.intended = intended
        self.deployment.save(update_fields=["intended"])

    def run(self) -> dict:
        """From the connection to the confirmed release."""
        with locked_board(self.deployment, self.context) as (self.connection, self.lock):
            line, token = (self.connection, self.profile), self.lock.token
            if self.built is None:
                engine = self.reactivate(line, token)
            else:
                done = steps.deploy(*line, self.built, self.phase, self.progress, token=token, trial=self)
                engine, self.golden = done.engine, release.golden_facts(self.built, done.golden)
                if done.upload.resumed:
                    self.context.log(f"{done.upload.resumed} bytes were on the board already")
        return {
            "release": self.name,
            "engine": engine,
            "evaluations": self.evaluations,
            "golden": self.golden,
        }

    def reactivate(self, line: tuple[BoardConnection, steps.Profile], token: str) -> str:
        """Switch to a release that the board has; return the name of its engine."""
        running.record_kept(self.device, self.lock.status)
        if not any(row["id"] == self.name for row in self.lock.status["releases"]):
            raise RemoteFailed(
                msg("{release} is not on the board any more: deploy its model again.", release=self.name)
            )
        known = self.deployment.source.placed.get("manifest_sha256", "")
        done = steps.activate(*line, self.name, self.phase, token=token, trial=self, manifest_sha256=known)
        return done["engine"]

    def phase(self, name: str) -> None:
        # Nothing can stop it between the last check and its end.
        if name == "confirm":
            self.context.set_phase(name)
        else:
            self.lock.renew()
            self.context.phase(name)

    def progress(self, done: int, total: int) -> None:
        self.lock.renew()
        self.context.progress(done, total)

    def switched(self, before: str | None) -> None:
        running.record(self.device, self.name)
        self.context.log(f"{self.name} is current; before it {before or 'nothing'}")
        if another_boot(self.switched_in, self.lock.boot):
            raise restarted(self.connection)
        self.switched_in = self.lock.boot

    def prove(self) -> None:
        self.watch_until = time.monotonic() + settings.DEPLOY_WATCH_SECONDS
        if self.built is not None:
            self.evaluations = measure(
                self.deployment, self.connection, self.expected, self.dataset, self.context, self.progress
            )
            self.judge_measured()
        if settings.DEPLOY_WATCH_SECONDS:
            self.watch()

    def judge_measured(self) -> None:
        """Raise RemoteFailed if the board misses the policy under which the deployment was started."""
        row = self.deployment
        where = (row.compiled_model.model, row.compiled_model, self.device)
        for entry in self.evaluations:
            misses = gate.board_misses(row, evaluations.unsaved(row.job, entry, *where))
            if misses:
                raise RemoteFailed(join([miss.sentence for miss in misses]))

    def watch(self) -> None:
        """Check the board until the watch time is over; the last step is a check."""
        self.context.phase(msg("watching the board"))
        while True:
            self.lock.renew()
            check_board(self.connection, self.profile, health.read(self.connection), self.switched_in)
            steps.check(self.connection, self.profile)
            left = self.watch_until - time.monotonic()
            if left <= 0:
                return
            self.wait(min(left, WATCH_EVERY_SECONDS))

    def wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.context.check()
            time.sleep(min(POLL_SECONDS, left))

    def rolled_back(self, before: str | None) -> None:
        Deployment.objects.filter(pk=self.deployment.pk).update(rolled_back_at=timezone.now())
        running.record(self.device, before)
        self.context.log(f"{self.name} was rolled back; {before or 'nothing'} is current again")

    def confirmed(self, found: dict) -> None:
        """Record the releases that remain on the board."""
        self.lock.released = True
        running.record_kept(self.device, found)
        if found.get("untidy"):
            self.context.log(f"Old releases were not removed: {found['untidy']}")
        if found["removed"]:
            self.context.log(f"removed old releases: {', '.join(found['removed'])}")

    def recheck(self, error: BoardError) -> None:
        """After a lost connection or a silent board: find out what runs there. A release that was silent
        during its trial is removed.

        A board that is still unreachable, or still silent, is left to the next contact. Raises RolledBack.
        """
        before, restored = None, False
        with contextlib.suppress(BoardError), sign_in(self.device, self.context.late_check) as connection:
            connection.late_check = self.context.late_check
            with connection.undisturbed(LOOK_SECONDS):
                if isinstance(error, RemoteTimeout):
                    restored = steps.restore(connection, self.profile, self.name)["restored"]
                    if self.built is not None:
                        steps.discard(connection, self.profile, self.name, self.built.upload)
                before = running.read_current(connection, self.profile)
                running.record(self.device, before)
        if restored:
            self.rolled_back(before)
            raise steps.RolledBack(error, before) from error


def check_board(connection: BoardConnection, profile: steps.Profile, found: health.Health, boot: str) -> None:
    """Raise RemoteFailed for a board that is unhealthy with its current release."""
    if another_boot(boot, found.boot):
        raise restarted(connection)
    if found.memory_free is not None and found.memory_free < profile.free_memory_bytes:
        raise RemoteFailed(
            msg(
                "The board at {address} has {free} MB of memory left with this model: train a smaller model, "
                "or stop other programs on the board.",
                address=connection.address,
                free=found.memory_free // 1048576,
            )
        )
    if found.celsius is not None and found.celsius > profile.most_celsius:
        raise RemoteFailed(
            msg(
                "The board at {address} is at {celsius} °C with this model, above {most} °C: cool the board, "
                "or let it predict less often.",
                address=connection.address,
                celsius=round(found.celsius),
                most=profile.most_celsius,
            )
        )


def another_boot(before: str, now: str) -> bool:
    """Whether the board restarted; a boot that is not known proves nothing."""
    return bool(before and now) and before != now


def restarted(connection: BoardConnection) -> RemoteFailed:
    return RemoteFailed(
        msg(
            "The board at {address} restarted while the release was on trial: check its power supply, then "
            "deploy again; if it restarts once more, train a smaller model.",
            address=connection.address,
        )
    )


def build_release(deployment: Deployment, folder: Path) -> tuple[release.Release, list[dict], Path]:
    """Fetch what the release needs; return it with the simulator's predictions and the dataset's folder."""
    compiled, profile = deployment.compiled_model, deployment.device.board_profile
    model = compiled.model
    version = model.dataset_version
    names = ["model.rknn"]
    if profile.needs_simulator:
        names += ["build.onnx", "calibration.zip"]
    files = {name: fetch_artifact(compiled.job, name, folder / name) for name in names}
    expected = evaluations.predictions_of(Evaluated.of(model).find(Stage.SIMULATOR, compiled.pk))
    dataset = staged(version)
    golden = model.task_class.golden(expected, release.GOLDEN_COUNT)
    built = release.build_release(
        f"model{model.pk}-job{deployment.job_id}",
        profile,
        model=files["model.rknn"],
        class_names=model.class_names,
        input_size=model.facts["input_size"],
        mean=model.facts["mean"],
        std=model.facts["std"],
        task=model.task,
        golden=[(dataset / image, expected) for image, expected in golden],
        provenance=provenance(compiled),
        score_threshold=model.shown_from,
        build_onnx=files.get("build.onnx"),
        calibration=files.get("calibration.zip"),
    )
    return built, expected, dataset


def release_facts(built: release.Release, root: str) -> dict[str, str | float | None]:
    """The identity of a release on the board."""
    return {
        "release": built.id,
        "path": f"{root}/releases/{built.id}",
        "model_sha256": built.manifest["files"]["model.rknn"]["sha256"],
        "manifest_sha256": built.manifest_sha256,
        "score_threshold": built.manifest.get("score_threshold"),
    }
