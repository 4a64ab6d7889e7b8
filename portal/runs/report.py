"""The report of a run: accuracy at every stage, duration of every step, and provenance."""

from __future__ import annotations

from dataclasses import asdict

from portal.deployment.models import Deployment
from portal.jobs.models import Artifact, Job
from portal.models.lineage import provenance
from portal.models.models import CompiledModel, Evaluation
from portal.runs import baseline_report
from portal.runs.graph import Graph
from portal.runs.models import Run
from portal.runs.notices import notices
from portal.runs.provenance import chain
from portal.runs.quality import quality
from portal.runs.step_kinds import COMPILE, SOURCES
from portal.runs.verdict import verdict
from portal.tasks import Stage
from workers.contract.messages import msg


def report(run: Run) -> dict:
    """The dict for ``report.json``; accuracies are fractions, times seconds. None means not measured."""
    graph = Graph(run)
    judged, kept = verdict(graph), quality(graph)
    trained = graph.evaluated.find(Stage.PADDLE)
    made = Artifact.objects.filter(job__in=[one.job_id for one in graph.compiled], name="model.rknn")
    rknn = {artifact.job_id: artifact for artifact in made}
    return {
        "run": run.pk,
        "name": run.name,
        "status": run.status,
        "message": run.message,
        "task": run.task,
        "metric": {"name": graph.task.metric, "title": str(graph.task.metric_title)},
        "verdict": asdict(judged) if judged else None,
        "quality": kept and asdict(kept) | {"state": kept.state},
        "dataset": {
            "name": run.dataset_version.dataset.name,
            "version": run.dataset_version.number,
            "sha256": run.dataset_version.content_hash,
            "train_images": run.dataset_version.train_images,
            "val_images": run.dataset_version.val_images,
            "test_images": run.dataset_version.test_images,
            "classes": run.dataset_version.class_names,
        },
        "split": run.dataset_version.measured_split,
        "recipe": run.recipe,
        "params": run.params,
        **_value(graph, "paddle", trained),
        "models": [_model(graph, compiled, rknn.get(compiled.job_id)) for compiled in graph.compiled],
        "boards": [_board(graph, row) for row in graph.deployments],
        "baselines": [asdict(row) for row in baseline_report.of(graph)],
        "steps": [_step(name, job) for name, job in _steps(graph)],
        "seconds": _seconds(graph),
        "notices": notices(graph),
        "versions": graph.facts.get("versions", {}),
        "notes": run.notes,
        "tags": [tag.name for tag in run.tags.all()],
        "provenance": chain(graph),
    }


def _value(graph: Graph, stage: str, measured: Evaluation | None) -> dict:
    """The metric at a stage; also under its old name, from when top-1 was the only metric."""
    value = measured.value if measured else None
    return {f"{stage}_value": value, f"{stage}_top1": value if graph.task.metric == "top1" else None}


def _model(graph: Graph, compiled: CompiledModel, rknn: Artifact | None) -> dict:
    onnx, int8 = (graph.evaluated.find(stage, compiled.pk) for stage in (Stage.ONNX, Stage.SIMULATOR))
    return {
        "chip": compiled.chip,
        **_value(graph, "onnx", onnx),
        **_value(graph, "int8", int8),
        "agreement": int8.agreement if int8 else None,
        "images": int8.images if int8 else None,
        "rknn_sha256": rknn.sha256 if rknn else None,
        "rknn_bytes": rknn.size if rknn else None,
        "provenance": provenance(compiled),
    }


def _board(graph: Graph, row: Deployment) -> dict:
    measured = graph.evaluated.find(Stage.BOARD, job_id=row.job_id)
    metrics = measured.metrics if measured else {}
    return {
        "device": row.device.name,
        "virtual": row.device.is_virtual,
        "engine": row.engine,
        "release": row.release,
        "images": measured.images if measured else None,
        **_value(graph, "board", measured),
        "agreement": measured.agreement if measured else None,
        "ms_median": metrics.get("ms_median"),
        "ms_p95": metrics.get("ms_p95"),
    }


def _steps(graph: Graph) -> list[tuple[str, Job]]:
    found = [("ingest", graph.run.dataset_version.job)]
    for step in graph.steps:
        if step.kind in (*SOURCES, COMPILE):
            found.append((f"{step.kind} {step.inputs.get('chip', '')}".strip(), step.job))
    found += [(msg("deploy {name}", name=row.device.name), row.job) for row in graph.deployments]
    return [(name, job) for name, job in found if job is not None]


def _step(name: str, job: Job) -> dict:
    return {
        "step": name,
        "job": job.pk,
        "status": job.status,
        "seconds": round(job.seconds, 3) if job.seconds is not None else None,
        "tool_seconds": job.tool_seconds,
    }


def _seconds(graph: Graph) -> dict:
    """From the accepted upload, or the run's creation if the dataset existed before, to the end.

    ``portal`` is the part not spent in external tools or on a board. A deployment requested after the run's
    end does not count.
    """
    run = graph.run
    ingest = run.dataset_version.job
    start = ingest.queued_at if ingest.finished_at and ingest.finished_at > run.created_at else run.created_at
    if run.finished_at is None:
        return {"total": None, "tools": None, "portal": None}
    total = (run.finished_at - start).total_seconds()
    jobs = [job for _, job in _steps(graph) if job.queued_at <= run.finished_at]
    tools = sum(sum(job.tool_seconds.values()) for job in jobs)
    return {"total": round(total, 3), "tools": round(tools, 3), "portal": round(total - tools, 3)}
