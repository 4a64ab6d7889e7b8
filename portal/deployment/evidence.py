"""Evidence of a deployment: what was deployed, how it was measured, who decided; signed by the team's key."""

from __future__ import annotations

import base64
import json
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import override

from portal.core import configs
from portal.core.messages import shown
from portal.deployment import signing
from portal.deployment.models import Deployment, Evidence
from portal.jobs.models import Artifact, IllegalTransition
from portal.models.lineage import provenance
from portal.models.models import CompiledModel, Evaluation
from portal.tasks import Stage
from portal.teams.models import Team
from workers.contract.messages import Message, msg

FORMAT = "slipway-evidence/1"
COMPARED = ("stage", "before", "after", "drop", "agreement", "changed", "lost", "gained")
COMPILED = (Stage.ONNX, Stage.SIMULATOR)
COSTS = ("cycles", "weight_bytes", "feature_bytes", "cpu_ops")


def issue(deployment: Deployment) -> Evidence:
    """The deployment's evidence, signed once after its end. Raises IllegalTransition before."""
    known = Evidence.objects.filter(deployment=deployment).select_related("key").first()
    if known is not None:
        return known
    if deployment.job.is_active:
        raise IllegalTransition(
            msg("{deployment} is under way: its evidence is signed at its end.", deployment=deployment)
        )
    payload = json.dumps(_plain(document(deployment)), ensure_ascii=False, sort_keys=True, indent=1)
    key, signature = signing.sign(deployment.device.team, payload.encode())
    try:
        with transaction.atomic():
            return Evidence.objects.create(
                deployment=deployment,
                number=deployment.pk,
                payload=payload,
                signature=base64.b64encode(signature).decode(),
                key=key,
            )
    except IntegrityError:
        return Evidence.objects.select_related("key").get(deployment=deployment)


def find(team: Team, number: int) -> Evidence:
    """The evidence of a team's deployment, also of one that was removed with its device or its run.

    Raises Evidence.DoesNotExist, and IllegalTransition before the deployment's end.
    """
    rows = Deployment.objects.for_team(team).select_related(
        "compiled_model__model__dataset_version__dataset", "device__team", "source__job", "job__created_by"
    )
    deployment = rows.filter(pk=number).first()
    if deployment is not None:
        return issue(deployment)
    return Evidence.objects.select_related("key__team").get(deployment=None, number=number, key__team=team)


def envelope(evidence: Evidence) -> dict[str, str]:
    """The JSON file. ``payload`` is the signed text in base64."""
    return {
        "format": FORMAT,
        "payload": base64.b64encode(evidence.payload.encode()).decode(),
        "signature": evidence.signature,
        "public_key": evidence.key.pem,
        "fingerprint": evidence.key.fingerprint,
    }


def page(evidence: Evidence) -> bytes:
    """The HTML page, in the reader's language; its last line signs all bytes before it."""
    signed = json.loads(evidence.payload)
    context = {"evidence": evidence, "document": signed, "raw": _raw(signed)}
    content = render_to_string("deployment/evidence.html", context).strip().encode() + b"\n"
    key, signature = signing.sign(evidence.key.team, content)
    public = base64.b64encode(bytes.fromhex(key.public)).decode()
    line = f"<!-- {FORMAT} key={public} signature={base64.b64encode(signature).decode()} -->\n"
    return content + line.encode()


def _raw(signed: dict[str, Any]) -> dict[str, Any]:
    """Parts that the page shows as JSON."""
    golden = [
        {**one, "expected": json.dumps(one["expected"]), "predicted": json.dumps(one["predicted"])}
        for one in signed["golden"]
    ]
    model = signed["model"]
    return {
        "golden": golden,
        "quantization": json.dumps(model["quantization"]),
        "cost": json.dumps(model["cost"]),
    }


def file_name(evidence: Evidence, suffix: str) -> str:
    return f"deployment-{evidence.number or evidence.deployment_id}-evidence.{suffix}"


def document(deployment: Deployment) -> dict[str, Any]:
    """What is signed, as plain data."""
    compiled, device = deployment.compiled_model, deployment.device
    source = deployment.source or deployment
    return {
        "format": FORMAT,
        "issued_at": timezone.now(),
        "issuer": settings.SITE_URL,
        "team": device.team.name,
        "deployment": _deployment(deployment),
        "device": {
            "id": device.pk,
            "name": device.name,
            "profile": device.profile,
            "virtual": device.is_virtual,
            "host_key": device.host_key,
            "os": device.probe.get("os"),
            "runtime": device.probe.get("runtime"),
            "engine": deployment.engine,
        },
        "model": _model(compiled),
        "dataset": _dataset(compiled),
        "release": {"id": deployment.release or None, **(deployment.placed or deployment.intended)},
        "golden": source.job.result.get("golden", []),
        "evaluations": _evaluations(compiled, source),
        "gate": {
            "limits": (deployment.gate or {}).get("limits", {}),
            "misses": (deployment.gate or {}).get("misses", []),
            "override": deployment.override,
            "override_by": _name(deployment.job.created_by) if deployment.override else None,
        },
        "files": _files(compiled),
        "provenance": provenance(compiled),
    }


def _deployment(row: Deployment) -> dict[str, Any]:
    return {
        "id": row.pk,
        "job": row.job_id,
        "state": row.state.value,
        "rollback_of": row.source_id,
        "by": _name(row.job.created_by),
        "started_at": row.job.started_at,
        "finished_at": row.job.finished_at,
        "activated_at": row.activated_at,
        "rolled_back_at": row.rolled_back_at,
        "message": row.job.message,
    }


def _model(compiled: CompiledModel) -> dict[str, Any]:
    model = compiled.model
    return {
        "id": model.pk,
        "name": model.name,
        "task": model.task,
        "origin": model.origin,
        "file": model.facts.get("file"),
        "labels": model.class_names,
        "recipe": model.recipe,
        "params": model.params,
        "compiled_model": compiled.pk,
        "chip": compiled.chip,
        "chip_title": configs.title(configs.chips(), compiled.chip),
        "channel_order": compiled.channel_order,
        "quantization": compiled.quantization,
        "cost": {name: compiled.cost[name] for name in COSTS if name in compiled.cost},
        "versions": {**model.facts.get("versions", {}), **compiled.facts.get("versions", {})},
    }


def _dataset(compiled: CompiledModel) -> dict[str, Any]:
    version = compiled.model.dataset_version
    return {
        "name": str(version),
        "sha256": version.content_hash,
        "classes": version.class_names,
        "train_images": version.train_images,
        "val_images": version.val_images,
        "test_images": version.test_images,
    }


def _evaluations(compiled: CompiledModel, source: Deployment) -> list[dict[str, Any]]:
    """Of the trained model, the compiled one, and the board in this deployment; the newest of each stage."""
    found: dict[str, Evaluation] = {}
    mine = Q(stage=Stage.PADDLE) | Q(compiled_model=compiled, stage__in=COMPILED) | Q(job=source.job_id)
    rows = compiled.model.evaluations.filter(mine).select_related("dataset_version__dataset")
    for row in rows.order_by("pk"):
        found[row.stage] = row
    names = {row.job_id: row.predictions for row in found.values()}
    hashes = dict(
        Artifact.objects.filter(job__in=names, name__startswith="predictions.").values_list("name", "sha256")
    )
    task = compiled.model.task_class
    return [_evaluation(found[stage], task, hashes) for stage in Stage.values if stage in found]


def _evaluation(row: Evaluation, task, hashes: dict[str, str]) -> dict[str, Any]:
    classes = row.metrics.get("per_class", [])
    return {
        "id": row.pk,
        "stage": row.stage,
        "engine": row.engine,
        "dataset": str(row.dataset_version),
        "dataset_sha256": row.dataset_version.content_hash,
        "split": row.split,
        "images": row.images,
        "metric": task.metric,
        "value": row.value,
        "ms_median": row.metrics.get("ms_median"),
        "per_class": [
            {"name": one["name"], task.class_metric: one.get(task.class_metric)} for one in classes
        ],
        "compared": {name: row.parity[name] for name in COMPARED if name in row.parity},
        "predictions_sha256": hashes.get(row.predictions),
    }


def _files(compiled: CompiledModel) -> list[dict[str, Any]]:
    """Every file that its training and its conversion made."""
    jobs = {compiled.model.job_id: "train", compiled.job_id: "convert"}
    rows = Artifact.objects.filter(job__in=jobs).order_by("job", "name")
    return [
        {"step": jobs[row.job_id], "name": row.name, "sha256": row.sha256, "bytes": row.size} for row in rows
    ]


def _name(user) -> str | None:
    return user.get_username() if user else None


def _plain(value: Any) -> Any:
    """Messages in English, times in ISO 8601: what is signed does not depend on the reader."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Message):
        with override("en"):
            return shown(value)
    return value if value is None or isinstance(value, str | int | float | bool) else _text(value)


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
