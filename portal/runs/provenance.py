"""The provenance of a model: from the file on the board back to the upload, each link with its hash.

Board ← compiled model ← ONNX ← Paddle model ← models that it was made from ← dataset version ← upload.
Missing links are None.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from portal.datasets.models import DatasetVersion
from portal.deployment.models import Deployment
from portal.deployment.running import current_deployments
from portal.jobs.models import Artifact, Job
from portal.runs.graph import Graph
from portal.runs.lineage import lineage
from portal.runs.models import Run, Step
from portal.runs.step_kinds import COMPILE, made_by

ONNX = ("model.onnx", "model.slim.onnx")
PADDLE = ("best_model.pdparams", "inference.json", "inference.pdmodel", "inference.pdiparams")
COMPILED = ("model.rknn", "build.onnx", "calibration.zip")
HASH_LEAST, HASH_LENGTH = 8, 64
MATCHES_AT_MOST = 20
HEX = set("0123456789abcdef")


class Files:
    """The files of several jobs, loaded at once."""

    def __init__(self, jobs: list[Job | None]):
        rows = Artifact.objects.filter(
            job__in=[job.pk for job in jobs if job], name__in=(*ONNX, *PADDLE, *COMPILED)
        )
        self.rows = {(row.job_id, row.name): row for row in rows}

    def of(self, job: Job | None, names) -> list[dict[str, Any]]:
        return self.of_id(job.pk, names) if job else []

    def of_id(self, job_id: int, names) -> list[dict[str, Any]]:
        found = [self.rows.get((job_id, name)) for name in names]
        return [describe(row) for row in found if row]


def describe(row: Artifact) -> dict[str, Any]:
    return {
        "name": row.name,
        "sha256": row.sha256,
        "bytes": row.size,
        "url": reverse("artifact-download", args=[row.job_id, row.name]),
    }


def chain(graph: Graph) -> dict[str, Any]:
    """The links of a run, from the boards to the upload; ``job`` is the number of the job that made each."""
    run, trained, facts = graph.run, graph.training, graph.facts
    files = Files([trained, *(compiled.job for compiled in graph.variants)])
    versions = facts.get("versions", {})
    return {
        "boards": [
            *(_board(row, files) for row in graph.deployments),
            *(_planned_board(step) for step in graph.waiting_deployments),
        ],
        "models": [_compiled(step, graph, files) for step in graph.of_kind(COMPILE)],
        "onnx": {
            "job": trained.pk if trained else None,
            "opset": facts.get("opset"),
            "cut_tensor": facts.get("cut_tensor"),
            "tools": {name: versions[name] for name in versions if "onnx" in name},
            "files": files.of(trained, ONNX),
        },
        "paddle": {
            "job": trained.pk if trained else None,
            "recipe": run.recipe,
            "preset": run.preset,
            "params": run.params,
            "pretrained": facts.get("pretrained"),
            "batch_norm": facts.get("precise_bn"),
            "tools": {name: versions[name] for name in versions if "onnx" not in name},
            "files": files.of(trained, PADDLE),
        },
        "lineage": lineage(graph),
        "dataset": _dataset(run.dataset_version),
    }


def _board(row: Deployment, files: Files) -> dict[str, Any]:
    """``recorded`` is false for old releases without stored hashes: the hash is then that of the stored
    file.
    """
    compiled = row.compiled_model
    stored = next(iter(files.of_id(compiled.job_id, ["model.rknn"])), {})
    return {
        "device": row.device.name,
        "device_id": row.device_id,
        "virtual": row.device.is_virtual,
        "release": row.release,
        "current": row.is_current,
        "path": row.placed.get("path"),
        "sha256": row.placed.get("model_sha256") or (stored.get("sha256") if row.release else None),
        "recorded": bool(row.placed),
        "manifest_sha256": row.placed.get("manifest_sha256"),
        "score_threshold": row.placed.get("score_threshold"),
        "activated_at": row.activated_at,
        "chip": compiled.chip,
        "job": row.job_id,
    }


def _planned_board(step: Step) -> dict[str, Any]:
    """A planned device without a deployment."""
    return {
        "device": step.device.name,
        "device_id": step.device_id,
        "virtual": step.device.is_virtual,
        "release": "",
        "current": False,
        "path": None,
        "sha256": None,
        "recorded": False,
        "manifest_sha256": None,
        "score_threshold": None,
        "activated_at": None,
        "chip": next((need.inputs["chip"] for need in step.needs.all() if need.kind == COMPILE), ""),
        "job": step.job_id,
    }


def _compiled(step: Step, graph: Graph, files: Files) -> dict[str, Any]:
    """A planned compiled model, as its chosen variant; its files and facts are empty until it is made."""
    compiled = graph.compiled_by(step)
    facts, job = (compiled.facts, compiled.job) if compiled else ({}, step.job)
    return {
        "chip": step.inputs["chip"],
        "channel_order": step.inputs["channel_order"],
        "job": job.pk if job else None,
        "quantized": facts.get("quantized"),
        "calibration": facts.get("calibration") or {},
        "tools": facts.get("versions", {}),
        "files": files.of(job, COMPILED),
    }


def _dataset(version: DatasetVersion) -> dict[str, Any]:
    return {
        "name": version.dataset.name,
        "version": version.number,
        "version_id": version.pk,
        "sha256": version.content_hash,
        "upload": version.upload_name,
        "proposed": version.statistics.get("proposed", []),
        "uploaded_at": version.created_at,
        "job": version.job_id,
    }


# --- "what is this file?" -----------------------------------------------------------------------


@dataclass
class Match:
    """A file, or a dataset's content, whose hash has the given prefix."""

    name: str
    sha256: str
    size: int | None
    url: str  # of the page with details
    run: Run | None = None
    version: DatasetVersion | None = None
    places: list[Deployment] = field(default_factory=list)  # where it runs now, for a compiled model


def is_hash(text: str) -> bool:
    """Whether the text can be a SHA-256, or a prefix of at least eight digits."""
    return HASH_LEAST <= len(text) <= HASH_LENGTH and set(text.lower()) <= HEX


def find(team, text: str) -> list[Match]:
    """The team's items with this hash: files of its jobs, contents of its datasets. At most twenty."""
    start = text.lower()
    # Every digit sorts before "g", in any collation, so this range is the prefix match.
    files = Artifact.objects.filter(sha256__gte=start, sha256__lt=f"{start}g", job__team=team)
    files = list(files.select_related("job").order_by("-pk")[:MATCHES_AT_MOST])
    owners = _owners({row.job_id for row in files})
    running = _running(owners.values())
    found = [_of_file(row, owners.get(row.job_id), running) for row in files]
    versions = DatasetVersion.objects.for_team(team).filter(
        content_hash__gte=start, content_hash__lt=f"{start}g"
    )
    for version in versions.select_related("dataset").order_by("-pk")[: MATCHES_AT_MOST - len(found)]:
        page = reverse("dataset-version", args=[version.pk])
        found.append(Match(str(version), version.content_hash, version.bytes, page, version=version))
    return found


def _owners(job_ids: set[int]) -> dict[int, Any]:
    """The owners of these jobs' files, by job: the run's step, or the dataset version."""
    steps = Step.objects.filter(job__in=job_ids).select_related("run", "job__compiled_model")
    steps = steps.prefetch_related("job__compiled_model__deployments__device")
    versions = DatasetVersion.objects.filter(job__in=job_ids).select_related("dataset")
    return {row.job_id: row for rows in (steps, versions) for row in rows}


def _running(owners: Iterable[Step | DatasetVersion]) -> dict[int, list[Deployment]]:
    """The current deployments of the steps' compiled models, by compiled model."""
    models = [made_by(step) for step in owners if isinstance(step, Step) and step.kind == COMPILE]
    devices = {one.device_id: one.device for model in models for one in model.deployments.all()}
    found: dict[int, list[Deployment]] = {}
    for pk, deployment in current_deployments(devices.values()).items():
        deployment.device = devices[pk]
        found.setdefault(deployment.compiled_model_id, []).append(deployment)
    return found


def _of_file(row: Artifact, owner: Step | DatasetVersion | None, running: dict) -> Match:
    step = owner if isinstance(owner, Step) else None
    version = owner if isinstance(owner, DatasetVersion) else None
    if step:
        page = step.run.get_absolute_url() + "#provenance"
    elif version:
        page = reverse("dataset-version", args=[version.pk])
    else:
        page = reverse("job-detail", args=[row.job_id])
    match = Match(row.name, row.sha256, row.size, page, step.run if step else None, version)
    if step and step.kind == COMPILE and row.name == "model.rknn":
        match.places = running.get(made_by(step).pk, [])
    return match
