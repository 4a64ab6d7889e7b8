"""Where a model comes from: from the file on the board back to the upload, each link with its hash.

Board ← compiled model ← ONNX ← Paddle model ← dataset version ← upload. What was not made yet is None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Prefetch
from django.urls import reverse

from portal.conversions.models import CompiledModel
from portal.datasets.models import DatasetVersion
from portal.deployments.models import Deployment
from portal.jobs.models import Artifact, Job
from portal.runs.models import Run, TrainedModel

ONNX = ("model.onnx", "model.slim.onnx")
PADDLE = ("best_model.pdparams", "inference.json", "inference.pdmodel", "inference.pdiparams")
COMPILED = ("model.rknn", "build.onnx", "calibration.zip")
HASH_LEAST, HASH_LENGTH = 8, 64
MATCHES_AT_MOST = 20
HEX = set("0123456789abcdef")


class Files:
    """The files of some jobs that a chain names, loaded at once."""

    def __init__(self, jobs: list[Job | None]):
        rows = Artifact.objects.filter(
            job__in=[job.pk for job in jobs if job], name__in=(*ONNX, *PADDLE, *COMPILED)
        )
        self.rows = {(row.job_id, row.name): row for row in rows}

    def of(self, job: Job | None, names) -> list[dict[str, Any]]:
        found = [self.rows.get((job.pk, name)) for name in names] if job else []
        return [describe(row) for row in found if row]


def describe(row: Artifact) -> dict[str, Any]:
    return {
        "name": row.name,
        "sha256": row.sha256,
        "bytes": row.size,
        "url": reverse("artifact-download", args=[row.job_id, row.name]),
    }


def chain(run: Run) -> dict[str, Any]:
    """The links of a run, from the boards to the upload; ``job`` is the number of the job that made each."""
    models = list(run.compiled_models.select_related("job"))
    placed = list(run.deployments.newest().select_related("device").order_by("id"))
    trained = run.trained_model
    files = Files([trained.job, *(model.job for model in models)])
    versions = trained.facts.get("versions", {})
    return {
        "boards": [_board(row, files, models) for row in placed],
        "models": [_compiled(model, files) for model in models],
        "onnx": {
            "job": trained.job_id,
            "opset": trained.facts.get("opset"),
            "cut_tensor": trained.facts.get("cut_tensor"),
            "tools": {name: versions[name] for name in versions if "onnx" in name},
            "files": files.of(trained.job, ONNX),
        },
        "paddle": {
            "job": trained.job_id,
            "recipe": run.recipe,
            "preset": run.preset,
            "params": run.params,
            "pretrained": trained.facts.get("pretrained"),
            "tools": {name: versions[name] for name in versions if "onnx" not in name},
            "files": files.of(trained.job, PADDLE),
        },
        "dataset": _dataset(run.dataset_version),
    }


def _board(row: Deployment, files: Files, models: list[CompiledModel]) -> dict[str, Any]:
    """``recorded`` is false for releases from before hashes were kept: the hash is the stored file's then."""
    model = next(model for model in models if model.pk == row.compiled_model_id)
    stored = next(iter(files.of(model.job, ["model.rknn"])), {})
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
        "activated_at": row.activated_at,
        "chip": model.chip,
        "job": row.job_id,
    }


def _compiled(model: CompiledModel, files: Files) -> dict[str, Any]:
    return {
        "chip": model.chip,
        "channel_order": model.channel_order,
        "job": model.job_id,
        "quantized": model.facts.get("quantized"),
        "calibration": model.facts.get("calibration") or {},
        "tools": model.facts.get("versions", {}),
        "files": files.of(model.job, COMPILED),
    }


def _dataset(version: DatasetVersion) -> dict[str, Any]:
    return {
        "name": version.dataset.name,
        "version": version.number,
        "version_id": version.pk,
        "sha256": version.content_hash,
        "upload": version.upload_name,
        "uploaded_at": version.created_at,
        "job": version.job_id,
    }


# --- "what is this file?" -----------------------------------------------------------------------


@dataclass
class Match:
    """A file or a dataset's content whose hash begins as was asked."""

    name: str
    sha256: str
    size: int | None
    url: str  # of the page that tells more
    run: Run | None = None
    version: DatasetVersion | None = None
    places: list[Deployment] = field(default_factory=list)  # where it lies, for a compiled model


def is_hash(text: str) -> bool:
    """Whether the text can be a SHA-256, or its beginning of eight digits at least."""
    return HASH_LEAST <= len(text) <= HASH_LENGTH and set(text.lower()) <= HEX


def find(team, text: str) -> list[Match]:
    """What the team has under this hash: files of its jobs, contents of its datasets. At most twenty."""
    start = text.lower()
    # Every digit sorts before "g", in any collation, so this is the range that begins so.
    files = Artifact.objects.filter(sha256__gte=start, sha256__lt=f"{start}g", job__team=team)
    files = list(files.select_related("job").order_by("-pk")[:MATCHES_AT_MOST])
    owners = _owners({row.job_id for row in files})
    found = [_of_file(row, owners.get(row.job_id)) for row in files]
    versions = DatasetVersion.objects.for_team(team).filter(
        content_hash__gte=start, content_hash__lt=f"{start}g"
    )
    for version in versions.select_related("dataset").order_by("-pk")[: MATCHES_AT_MOST - len(found)]:
        page = reverse("dataset-version", args=[version.pk])
        found.append(Match(str(version), version.content_hash, version.bytes, page, version=version))
    return found


def _owners(job_ids: set[int]) -> dict[int, TrainedModel | CompiledModel | DatasetVersion]:
    """What these jobs made, by the job."""
    trained = TrainedModel.objects.filter(job__in=job_ids).select_related("run")
    compiled = CompiledModel.objects.filter(job__in=job_ids).select_related("run")
    placed = Deployment.objects.newest().select_related("device")
    compiled = compiled.prefetch_related(Prefetch("deployments", placed))
    versions = DatasetVersion.objects.filter(job__in=job_ids).select_related("dataset")
    return {row.job_id: row for rows in (trained, compiled, versions) for row in rows}


def _of_file(row: Artifact, owner) -> Match:
    run, version = getattr(owner, "run", None), owner if isinstance(owner, DatasetVersion) else None
    if run:
        page = reverse("run-detail", args=[run.pk]) + "#provenance"
    elif version:
        page = reverse("dataset-version", args=[version.pk])
    else:
        page = reverse("job-detail", args=[row.job_id])
    match = Match(row.name, row.sha256, row.size, page, run, version)
    if isinstance(owner, CompiledModel) and row.name == "model.rknn":
        match.places = [one for one in owner.deployments.all() if one.activated_at]
    return match
