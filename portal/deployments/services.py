"""Deployments: start one, put its release on the board, make it current, measure what it answers."""

from __future__ import annotations

import contextlib
import json
import shutil
import statistics
import time
from pathlib import Path

from django.db import transaction

from portal.conversions.models import CompiledModel
from portal.conversions.services import provenance
from portal.core import configs
from portal.core.files import fetch_artifact
from portal.datasets.staged_cache import staged
from portal.deployments import release, steps
from portal.deployments.boardlock import BoardLock
from portal.deployments.models import Deployment
from portal.devices import running
from portal.devices.answers import answer
from portal.devices.errors import BoardError, ConnectionLost
from portal.devices.models import Device
from portal.devices.services import connect, profile_of, sign_in
from portal.jobs import services as jobs
from portal.jobs.context import JobContext
from portal.jobs.execution import job_folder
from portal.jobs.models import IllegalTransition, Job, NothingLeft, Status
from portal.notify import services as notify
from portal.runs import pipeline
from portal.runs.models import Run
from portal.runs.plan import PlanError
from portal.teams import audit


@transaction.atomic
def start_deployment(run: Run, device: Device, user) -> Deployment:
    """Put the model that a run compiled for a device's chip on the device, also long after the run's end.

    The run's own outcome stays as it is. Each call is an attempt of its own, so that an older run's model
    becomes current once more. Raises PlanError when there is no such model, IllegalTransition while it is
    being deployed, QuotaReached when no more jobs may wait.
    """
    jobs.refuse_if_full(run.team)
    model = _model_for(run, device)
    before = _last_attempt(run.pk, model.pk, device.pk)
    if before is not None and (before.job is None or before.job.is_active):
        raise IllegalTransition(f"{before} is under way already: wait for its end.")
    job = jobs.submit("deploy", run.team, user)
    deployment = Deployment.objects.create(run=run, compiled_model=model, device=device, job=job)
    audit.record("deployment.create", deployment, team=run.team, actor=user, label=f"{run} to {device}")
    return deployment


def _last_attempt(run_id: int, model_id: int, device_id: int) -> Deployment | None:
    """The newest attempt; two requests that ask for it at once do so one after the other."""
    Run.objects.select_for_update().get(pk=run_id)
    rows = Deployment.objects.filter(run=run_id, compiled_model=model_id, device=device_id)
    return rows.select_related("job", "run", "device").first()


def _model_for(run: Run, device: Device) -> CompiledModel:
    profile = profile_of(device)
    fitting = {"chip": profile["chip"], "channel_order": profile["channel_order"]}
    model = run.compiled_models.filter(**fitting, job__status=Status.SUCCEEDED).first()
    if model is None:
        chip = configs.chips()[profile["chip"]]["title"]
        raise PlanError(
            {
                "device": f"{run} has no model for {device} ({chip}, {profile['channel_order']}): "
                "start a run that names this device."
            }
        )
    return model


def perform(job: Job, context: JobContext) -> dict:
    """Deploy, then send validation images to the board and compare its answers with the simulator's."""
    deployment = job.deployment
    folder = job_folder(job)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        context.phase("preparing the release")
        built, expected, dataset = _build_release(deployment, folder)
        context.log(f"release {built.id}: {len(built.files)} files, {built.total_bytes} bytes")
        _intend(deployment, built)
        context.phase(f"connecting to {deployment.device.host}:{deployment.device.port}")
        profile = profile_of(deployment.device)
        with connect(deployment.device, context) as connection, _timed(context, "board"):
            # What an attempt that was killed in the middle has left is understood before it is changed.
            running.record(deployment.device, running.ask(connection, profile))
            with BoardLock(connection, profile, job, context.phase) as lock:
                engine = _deploy(deployment, connection, built, context, lock)
                measured = _measure(deployment, connection, expected, dataset, context, lock)
        return {"release": built.id, "engine": engine, "measured": measured}
    except ConnectionLost:
        _look_again(deployment.device, built)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _deploy(
    deployment: Deployment, connection, built: release.Release, context: JobContext, lock: BoardLock
) -> str:
    """Put the release on the board, make it current and remove old ones; return what answers there."""
    profile = profile_of(deployment.device)

    def on_phase(name: str) -> None:
        # After the switch nothing may stop it before the rows say so too.
        if name == "confirm":
            context.say(name)
        else:
            lock.renew()
            context.phase(name)

    on_progress = _renewing(lock, context)
    done = steps.deploy(connection, profile, built, on_phase, on_progress, token=lock.token)
    # Current from here on: what follows measures, and a failure to measure is no way back.
    running.record(deployment.device, built.id)
    context.log(f"{built.id} is current; before it {done.before or 'nothing'}; {done.engine} answers")
    try:
        removed = steps.prune(connection, profile, profile["keep_releases"])
    except BoardError as error:
        context.log(f"Old releases were not removed: {error}")
    else:
        if removed:
            context.log(f"removed old releases: {', '.join(removed)}")
    return done.engine


def _look_again(device: Device, built: release.Release) -> None:
    """After a lost connection: remove what was half made, and find out whether the switch took place.

    A board that is still away is left to the next contact.
    """
    profile = profile_of(device)
    with contextlib.suppress(BoardError), sign_in(device) as connection:
        steps.discard(connection, profile, built.id)
        running.record(device, running.ask(connection, profile))


def _renewing(lock: BoardLock, context: JobContext):
    """A progress callback that keeps the board's lock while the work takes its time."""

    def on_progress(done: int, total: int) -> None:
        lock.renew()
        context.progress(done, total)

    return on_progress


@contextlib.contextmanager
def _timed(context: JobContext, tool: str):
    """Count the seconds inside as the board's."""
    start = time.monotonic()
    try:
        yield
    finally:
        spent = context.tool_seconds.get(tool, 0.0) + time.monotonic() - start
        context.tool_seconds[tool] = round(spent, 3)


def _build_release(deployment: Deployment, folder: Path):
    """Fetch what the release needs; return it with the simulator's answers and the dataset's folder."""
    compiled = deployment.compiled_model
    version, trained = deployment.run.dataset_version, deployment.run.trained_model
    profile = profile_of(deployment.device)
    names = ["model.rknn", "predictions.json"]
    if profile.get("needs_simulator"):
        names += ["build.onnx", "calibration.zip"]
    files = {name: fetch_artifact(compiled.job, name, folder / name) for name in names}
    expected = json.loads(files["predictions.json"].read_text(encoding="utf-8"))
    dataset = staged(version)
    built = release.build_release(
        f"run{deployment.run_id}-job{deployment.job_id}",
        profile,
        model=files["model.rknn"],
        class_names=version.class_names,
        input_size=trained.facts["input_size"],
        mean=trained.facts["mean"],
        std=trained.facts["std"],
        golden=[(dataset / image, label) for image, label in release.choose_golden(expected)],
        provenance=provenance(compiled),
        build_onnx=files.get("build.onnx"),
        calibration=files.get("calibration.zip"),
    )
    return built, expected, dataset


def _intend(deployment: Deployment, built: release.Release) -> None:
    """Write down what is about to be put on the board; see ``devices/running.py`` for why before."""
    deployment.intended = {
        "release": built.id,
        "path": f"{profile_of(deployment.device)['root']}/releases/{built.id}",
        "model_sha256": built.manifest["files"]["model.rknn"]["sha256"],
        "manifest_sha256": built.manifest_sha256,
    }
    deployment.save(update_fields=["intended"])


def _measure(deployment, connection, expected, dataset, context, lock) -> dict:
    """The board's top-1 on validation images, and how often it agrees with the simulator."""
    limit = deployment.run.params["board_images"]
    sample = spread(expected, limit)
    if not sample:
        return {}
    context.phase(f"measuring on the board with {len(sample)} images")
    files = [(row["image"], dataset / row["image"]) for row in sample]
    profile = profile_of(deployment.device)
    answers = answer(connection, profile, files, on_answer=_renewing(lock, context))
    figures = compare(sample, answers.answers)
    context.log(
        f"top-1 {figures['board_top1']:.2%} on {figures['images']} images, "
        f"{figures['agreement']:.2%} as the simulator answers"
    )
    return figures


def spread(rows: list[dict], limit: int) -> list[dict]:
    """At most ``limit`` rows, evenly spread over the list, which is ordered by image."""
    if len(rows) <= limit:
        return rows
    return [rows[index * len(rows) // limit] for index in range(limit)]


def compare(sample: list[dict], answers: list[dict]) -> dict:
    """Figures of a board's answers beside the simulator's; fractions from 0 to 1, milliseconds.

    An image that the board could not answer counts as wrong and as a disagreement.
    """
    by_name = {one["image"]: one for one in answers}
    right = agreed = 0
    flipped, times = [], []
    for row in sample:
        one = by_name.get(row["image"], {})
        label = one.get("label_id")
        right += label == row["label"]
        agreed += label == row["int8"]
        if label != row["int8"]:
            flipped.append(
                {"image": row["image"], "label": row["label"], "int8": row["int8"], "board": label}
            )
        if one.get("ms") is not None:
            times.append(one["ms"])
    times.sort()
    return {
        "images": len(sample),
        "board_top1": right / len(sample),
        "agreement": agreed / len(sample),
        "ms_median": round(statistics.median(times), 3) if times else None,
        "ms_p95": round(times[int(0.95 * (len(times) - 1))], 3) if times else None,
        "flipped": flipped[:100],
    }


def complete(job: Job, result: dict) -> None:
    deployment = job.deployment
    deployment.engine = result["engine"][:120]
    deployment.measured = result["measured"]
    deployment.save(update_fields=["engine", "measured"])


def after(job: Job) -> None:
    """What follows the end of a deployment, whatever it was."""
    pipeline.after_job(job)
    if job.status == Status.FAILED:
        deployment = Deployment.objects.filter(job=job).select_related("run", "device", "job").first()
        if deployment is not None:
            notify.emit("deployment.failed", job.team, deployment)


def replace(old: Job, new: Job) -> None:
    """A retry is an attempt of its own. Raises IllegalTransition while a later attempt is under way, or when
    the run or the device was removed."""
    attempt = Deployment.objects.filter(job=old).first()
    if attempt is None:
        raise NothingLeft(old)
    last = _last_attempt(attempt.run_id, attempt.compiled_model_id, attempt.device_id)
    if last is not None and last.pk != attempt.pk and last.job is not None and last.job.is_active:
        raise IllegalTransition(f"{last} is under way already: wait for its end.")
    Deployment.objects.create(
        run_id=attempt.run_id,
        compiled_model_id=attempt.compiled_model_id,
        device_id=attempt.device_id,
        job=new,
    )
