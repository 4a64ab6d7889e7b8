"""Deployments: start one, put its release on the board, make it current, measure its accuracy there."""

from __future__ import annotations

import contextlib
import json
import shutil
import statistics
import time
from pathlib import Path

from django.db import transaction

from portal.core import configs
from portal.core.files import fetch_artifact
from portal.datasets.staged_cache import staged
from portal.deployment import release, steps
from portal.deployment.boardlock import BoardLock, locked_board
from portal.deployment.models import Deployment
from portal.devices import running
from portal.devices.answers import answer
from portal.devices.errors import BoardError, ConnectionLost, RemoteTimeout
from portal.devices.models import Device
from portal.devices.services import sign_in
from portal.jobs import services as jobs
from portal.jobs.context import JobContext
from portal.jobs.execution import job_folder
from portal.jobs.models import IllegalTransition, Job, NothingLeft, Priority, Status
from portal.models import evaluations
from portal.models.evaluations import Evaluated
from portal.models.lineage import provenance
from portal.models.models import CompiledModel
from portal.notify import services as notify
from portal.tasks import Stage, Task
from workers.contract.messages import msg, msg_n

KIND = "deploy"
EVENTS = {Status.SUCCEEDED: "deployment.finished", Status.FAILED: "deployment.failed"}
PREDICTIONS = "predictions.board.json"
LOOK_SECONDS = 30.0


@transaction.atomic
def start(
    compiled: CompiledModel, device: Device, user, *, board_images: int, priority: int = Priority.NORMAL
) -> Deployment:
    """Queue an attempt to put a compiled model on a device and make it current.

    Each call is a new attempt, so that an older model can become current again. Raises IllegalTransition
    while it is being deployed there, QuotaReached if no more jobs may be queued.
    """
    before = _last_attempt(compiled.pk, device.pk)
    if before is not None and before.job.is_active:
        raise IllegalTransition(
            msg("{deployment} is under way already: wait for its end.", deployment=before)
        )
    return Deployment.objects.create(
        compiled_model=compiled,
        device=device,
        board_images=board_images,
        job=jobs.submit(KIND, device.team, user, priority=priority, resource=device.resource),
    )


def _last_attempt(compiled_id: int, device_id: int) -> Deployment | None:
    """The newest attempt; concurrent requests for it wait for each other."""
    CompiledModel.objects.select_for_update().get(pk=compiled_id)
    rows = Deployment.objects.filter(compiled_model=compiled_id, device=device_id)
    return rows.select_related("job", "compiled_model__model", "device").first()


def fits(compiled: CompiledModel, device: Device) -> bool:
    """Whether the model was compiled for this device's chip and channel order; False for a removed
    profile.
    """
    profile = configs.boards().get(device.profile)
    made_for = (compiled.chip, compiled.channel_order)
    return profile is not None and made_for == (profile.chip, profile.channel_order)


def perform(job: Job, context: JobContext) -> dict:
    """Deploy, then send measured images to the board and compare its predictions with the simulator's."""
    deployment = job.deployment
    folder = job_folder(job) / "release"
    shutil.rmtree(job_folder(job), ignore_errors=True)
    try:
        context.phase(msg("preparing the release"))
        built, expected, dataset = _build_release(deployment, folder)
        context.log(f"release {built.id}: {len(built.files)} files, {built.total_bytes} bytes")
        _intend(deployment, built)
        with _timed(context, "board"), locked_board(deployment.device, job, context) as (connection, lock):
            engine = _deploy(deployment, connection, built, context, lock)
            measured = _measure(deployment, connection, expected, dataset, context, lock)
        return {"release": built.id, "engine": engine, "evaluations": measured}
    except (ConnectionLost, RemoteTimeout):
        _look_again(deployment.device, built, context)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _deploy(
    deployment: Deployment, connection, built: release.Release, context: JobContext, lock: BoardLock
) -> str:
    """Put the release on the board, make it current and remove old ones; return the engine's name."""
    profile = deployment.device.board_profile

    def on_phase(name: str) -> None:
        # After the switch, nothing may stop it before the rows record it.
        if name == "confirm":
            context.say(name)
        else:
            lock.renew()
            context.phase(name)

    on_progress = _renewing(lock, context)
    done = steps.deploy(connection, profile, built, on_phase, on_progress, token=lock.token)
    # It is current from here on: a failed measurement does not undo that.
    running.record(deployment.device, built.id)
    context.log(f"{built.id} is current; before it {done.before or 'nothing'}; {done.engine} answers")
    try:
        removed = steps.prune(connection, profile, profile.keep_releases)
    except BoardError as error:
        context.log(f"Old releases were not removed: {error}")
    else:
        if removed:
            context.log(f"removed old releases: {', '.join(removed)}")
    return done.engine


def _look_again(device: Device, built: release.Release, context: JobContext) -> None:
    """After a lost connection: remove leftovers, and find out whether the switch happened.

    A board that is still unreachable or silent is handled at the next contact.
    """
    profile = device.board_profile
    with contextlib.suppress(BoardError), sign_in(device, context.insist) as connection:
        connection.insist = context.insist
        with connection.undisturbed(LOOK_SECONDS):
            steps.discard(connection, profile, built.id)
            running.record(device, running.ask(connection, profile))


def _renewing(lock: BoardLock, context: JobContext):
    """A progress callback that also renews the board's lock."""

    def on_progress(done: int, total: int) -> None:
        lock.renew()
        context.progress(done, total)

    return on_progress


@contextlib.contextmanager
def _timed(context: JobContext, tool: str):
    """Count the seconds inside as time on the board."""
    start = time.monotonic()
    try:
        yield
    finally:
        spent = context.tool_seconds.get(tool, 0.0) + time.monotonic() - start
        context.tool_seconds[tool] = round(spent, 3)


def _build_release(deployment: Deployment, folder: Path):
    """Fetch what the release needs; return it with the simulator's predictions and the dataset's folder."""
    compiled = deployment.compiled_model
    model = compiled.model
    version, profile = model.dataset_version, deployment.device.board_profile
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
        class_names=version.class_names,
        input_size=model.facts["input_size"],
        mean=model.facts["mean"],
        std=model.facts["std"],
        task=model.task,
        golden=[(dataset / image, expected) for image, expected in golden],
        provenance=provenance(compiled),
        build_onnx=files.get("build.onnx"),
        calibration=files.get("calibration.zip"),
    )
    return built, expected, dataset


def _intend(deployment: Deployment, built: release.Release) -> None:
    """Record what is about to be put on the board; ``devices/running.py`` explains why beforehand."""
    deployment.intended = {
        "release": built.id,
        "path": f"{deployment.device.board_profile.root}/releases/{built.id}",
        "model_sha256": built.manifest["files"]["model.rknn"]["sha256"],
        "manifest_sha256": built.manifest_sha256,
    }
    deployment.save(update_fields=["intended"])


def _measure(deployment, connection, expected, dataset, context, lock) -> list[dict]:
    """Run the measured images on the board; return its evaluation, compared with the simulator's."""
    sample = spread(expected, deployment.board_images)
    if not sample:
        return []
    context.phase(
        msg_n(
            "measuring on the board with {count} image",
            "measuring on the board with {count} images",
            len(sample),
        )
    )
    files = [(row["image"], dataset / row["image"]) for row in sample]
    model, profile = deployment.compiled_model.model, deployment.device.board_profile
    names, on_answer = model.dataset_version.class_names, _renewing(lock, context)
    answers = answer(connection, profile, files, classes=len(names), on_answer=on_answer)
    rows = predictions(model.task_class, sample, answers.answers)
    metrics = model.task_class.summarise(rows, names) | times(rows)
    parity = evaluations.parity(model.task_class, Stage.BOARD, expected, rows)
    value, agreement = metrics[model.task_class.metric], parity["agreement"]
    context.log(
        f"{model.task_class.metric} {_share(value)} on {metrics['images']} images, "
        f"{_share(agreement)} as the simulator answers"
    )
    artifacts = job_folder(deployment.job) / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    (artifacts / PREDICTIONS).write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    engine = answers.done.get("engine", "")
    return [
        {
            "stage": Stage.BOARD,
            "engine": engine,
            "metrics": metrics,
            "parity": parity,
            "predictions": PREDICTIONS,
        }
    ]


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2%}"


def spread(rows: list[dict], limit: int) -> list[dict]:
    """At most ``limit`` rows, evenly spaced over the list, which is ordered by image."""
    if len(rows) <= limit:
        return rows
    return [rows[index * len(rows) // limit] for index in range(limit)]


def predictions(task: Task, sample: list[dict], answers: list[dict]) -> list[dict]:
    """The board's predictions of the sample's images, with ``ms`` on the board; None if an image has none."""
    by_name = {one["image"]: one for one in answers}
    found = ((row, by_name.get(row["image"], {})) for row in sample)
    return [{**task.prediction(row, one), "ms": one.get("ms")} for row, one in found]


def times(rows: list[dict]) -> dict[str, float | None]:
    """Median and 95th percentile of the milliseconds per image; None without any."""
    known = sorted(row["ms"] for row in rows if row["ms"] is not None)
    return {
        "ms_median": round(statistics.median(known), 3) if known else None,
        "ms_p95": round(known[int(0.95 * (len(known) - 1))], 3) if known else None,
    }


def complete(job: Job, result: dict) -> None:
    deployment = job.deployment
    deployment.engine = result["engine"][:120]
    deployment.save(update_fields=["engine"])
    compiled = deployment.compiled_model
    evaluations.record(job, result["evaluations"], compiled.model, compiled, deployment.device)


def after(job: Job) -> None:
    """Follow-up of a deployment's end, whatever the outcome."""
    event = EVENTS.get(job.status)
    if event:
        rows = Deployment.objects.select_related("compiled_model__model", "device", "job")
        deployment = rows.filter(job=job).first()
        if deployment is not None:
            notify.emit(event, job.team, deployment)


def replace(old: Job, new: Job) -> None:
    """A retry is a new attempt. Raises IllegalTransition while a later attempt is active, or if the model
    or the device was removed.
    """
    attempt = Deployment.objects.filter(job=old).first()
    if attempt is None:
        raise NothingLeft(old)
    last = _last_attempt(attempt.compiled_model_id, attempt.device_id)
    if last is not None and last.pk != attempt.pk and last.job.is_active:
        raise IllegalTransition(msg("{deployment} is under way already: wait for its end.", deployment=last))
    Deployment.objects.create(
        compiled_model_id=attempt.compiled_model_id,
        device_id=attempt.device_id,
        board_images=attempt.board_images,
        job=new,
    )
