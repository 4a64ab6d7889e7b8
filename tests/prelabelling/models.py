"""Models that are ready to propose labels, without a training."""

from __future__ import annotations

import hashlib

from django.core.files.base import ContentFile

from portal.jobs.models import Artifact, Job, Status
from portal.models.models import Model


def trained_model(version, name="Digits v3") -> Model:
    user, team = version.job.created_by, version.team
    job = Job.objects.create(team=team, created_by=user, kind="train", queue="train", status=Status.SUCCEEDED)
    onnx = Artifact(job=job, name="model.slim.onnx", size=4, sha256=hashlib.sha256(b"onnx").hexdigest())
    onnx.file.save(f"jobs/{job.pk}/model.slim.onnx", ContentFile(b"onnx"), save=False)
    onnx.save()
    facts = {"mean": [0.5] * 3, "std": [0.25] * 3, "input_size": [64, 64]}
    return Model.objects.create(
        team=team, created_by=user, name=name, task=version.task, recipe="picodet_xs",
        dataset_version=version, job=job, facts=facts,
    )  # fmt: skip
