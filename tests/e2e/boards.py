"""Stands in for boards in browser tests: the kinds that talk to one do not, and answer at once.

The virtual board and the real programs have tests of their own; here it is the pages that are tested.
"""

from __future__ import annotations

import dataclasses

from django.utils import timezone

from portal.deployment.running import current_deployment
from portal.devices import running, services
from portal.devices.hostkeys import HostKey
from portal.devices.models import Device
from portal.jobs import kinds

KEY = "ssh-ed25519 SHA256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg"
ENGINE = "virtual: fake of the browser tests"
PREDICTED = {
    "classification": {"label_id": 1, "label": "dog", "score": 0.98},
    "detection": {
        "task": "detection",
        "boxes": [{"label_id": 0, "label": "car", "score": 0.9, "box": [4, 4, 20, 16]}],
    },
}


def perform_probe(job, context):
    job.probed_devices.update(seen_at=timezone.now())
    found = {"os": "Fake OS 1.0", "engine": ENGINE, "virtual": True}
    return {"probe": {**found, "releases": [], "problems": [], "warnings": []}}


def perform_deploy(job, context):
    deployment = job.deployment
    context.phase("upload")
    deployment.release = f"model{deployment.compiled_model.model_id}-job{job.pk}"
    deployment.activated_at = timezone.now()
    deployment.save(update_fields=["release", "activated_at"])
    running.record(deployment.device, deployment.release)
    version = deployment.compiled_model.model.dataset_version
    images = version.test_images or version.val_images
    metric = deployment.compiled_model.model.task_class.metric
    metrics = {"images": images, metric: 0.95, "ms_median": 4.2, "ms_p95": 5.0, "per_class": []}
    parity = {"images": images, "before": 0.95, "after": 0.95, "drop": 0.0, "agreement": 1.0, "changed": 0}
    measured = {
        "stage": "board", "engine": ENGINE, "metrics": metrics, "parity": parity,
        "predictions": "predictions.board.json",
    }  # fmt: skip
    return {"release": deployment.release, "engine": ENGINE, "evaluations": [measured]}


def perform_inference(job, context):
    names = [row.file.name.rpartition("/")[2] for row in job.inference.images.all()]
    job.inference.images.update(width=64, height=48)
    current = current_deployment(job.inference.device)
    predicted = PREDICTED[current.compiled_model.model.task if current else "classification"]
    answers = [{"image": name, "ms": 4.2, **predicted} for name in names]
    return {"answers": answers, "engine": ENGINE, "release": current.release if current else None}


def install(monkeypatch) -> None:
    """Put the stand-ins in place for one test."""
    monkeypatch.setattr(services, "read_host_key", lambda host, port: HostKey.parse(KEY))
    for name, perform in (("probe", perform_probe), ("deploy", perform_deploy), ("infer", perform_inference)):
        monkeypatch.setitem(kinds._kinds, name, dataclasses.replace(kinds.get(name), perform=perform))
    monkeypatch.setattr(type(Device.objects), "claim", lambda self, pk, job: True)
