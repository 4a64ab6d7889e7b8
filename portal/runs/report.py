"""The report of a run: accuracy at every hop, seconds of every step, and where it all comes from."""

from __future__ import annotations

from portal.conversions.models import CompiledModel
from portal.conversions.services import provenance
from portal.jobs.models import Artifact, Job
from portal.runs.models import Run
from portal.runs.provenance import chain


def report(run: Run) -> dict:
    """A dict for ``report.json``; accuracies are fractions, times seconds. Unmeasured is None."""
    trained = run.trained_model
    models = list(run.compiled_models.select_related("job"))
    made = Artifact.objects.filter(job__in=[model.job_id for model in models], name="model.rknn")
    compiled = {artifact.job_id: artifact for artifact in made}
    return {
        "run": run.pk,
        "name": run.name,
        "status": run.status,
        "message": run.message,
        "dataset": {
            "name": run.dataset_version.dataset.name,
            "version": run.dataset_version.number,
            "sha256": run.dataset_version.content_hash,
            "train_images": run.dataset_version.train_images,
            "val_images": run.dataset_version.val_images,
            "classes": run.dataset_version.class_names,
        },
        "recipe": run.recipe,
        "params": run.params,
        "paddle_top1": trained.top1,
        "models": [_model(model, compiled.get(model.job_id)) for model in models],
        "boards": [
            _board(row) for row in run.deployments.newest().select_related("job", "device").order_by("id")
        ],
        "steps": [_step(name, job) for name, job in _steps(run)],
        "seconds": _seconds(run),
        "notices": trained.facts.get("notices", []),
        "versions": trained.facts.get("versions", {}),
        "notes": run.notes,
        "tags": [tag.name for tag in run.tags.all()],
        "provenance": chain(run),
    }


def _model(model: CompiledModel, rknn: Artifact | None) -> dict:
    parity = model.parity
    return {
        "chip": model.chip,
        "onnx_top1": parity.get("onnx_top1"),
        "int8_top1": parity.get("int8_top1"),
        "agreement": parity.get("agreement"),
        "images": parity.get("images"),
        "rknn_sha256": rknn.sha256 if rknn else None,
        "rknn_bytes": rknn.size if rknn else None,
        "provenance": provenance(model),
    }


def _board(row) -> dict:
    return {
        "device": row.device.name,
        "virtual": row.device.is_virtual,
        "engine": row.engine,
        "release": row.release,
        **{
            key: row.measured.get(key) for key in ("images", "board_top1", "agreement", "ms_median", "ms_p95")
        },
    }


def _steps(run: Run) -> list[tuple[str, Job]]:
    found = [("ingest", run.dataset_version.job), ("train", run.trained_model.job)]
    found += [(f"convert {model.chip}", model.job) for model in run.compiled_models.select_related("job")]
    found += [
        (f"deploy {row.device.name}", row.job)
        for row in run.deployments.newest().select_related("job", "device").order_by("id")
    ]
    return [(name, job) for name, job in found if job is not None]


def _step(name: str, job: Job) -> dict:
    return {
        "step": name,
        "job": job.pk,
        "status": job.status,
        "seconds": round(job.seconds, 3) if job.seconds is not None else None,
        "tool_seconds": job.tool_seconds,
    }


def _seconds(run: Run) -> dict:
    """From the accepted upload, or the run's creation when the dataset was there before, to the end.

    ``portal`` is all of it that was not spent inside an outside tool or on a board. A deployment that was
    asked for after the run's end does not count.
    """
    ingest = run.dataset_version.job
    start = ingest.queued_at if ingest.finished_at and ingest.finished_at > run.created_at else run.created_at
    if run.finished_at is None:
        return {"total": None, "tools": None, "portal": None}
    total = (run.finished_at - start).total_seconds()
    jobs = [job for _, job in _steps(run) if job.queued_at <= run.finished_at]
    tools = sum(sum(job.tool_seconds.values()) for job in jobs)
    return {"total": round(total, 3), "tools": round(tools, 3), "portal": round(total - tools, 3)}
