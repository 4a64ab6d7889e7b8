"""Model files: inspect what somebody uploaded, and make the network that a run compiles.

ONNX is parsed in the program alone (``workers/intake``); here are its inputs and its result.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction

from portal.core import configs
from portal.core.files import fetch_artifact
from portal.datasets import pieces, receiving, upload_limits, uploads
from portal.datasets.models import DatasetVersion, Upload
from portal.datasets.refusals import InUse
from portal.jobs import services as jobs
from portal.jobs.kinds import Invocation
from portal.jobs.models import IllegalTransition, Job, Priority
from portal.models.model_files import ModelFile
from portal.models.models import Model, Origin
from portal.teams import audit, quota_usage
from workers.contract import InputError
from workers.contract.messages import msg

INSPECT, IMPORT = "inspect-model", "import-model"
SOURCE = "source.onnx"


def receive(team, user, file) -> Upload:
    """Store a file of a form as a complete upload. Raises UploadRefused."""
    upload_limits.check_model_size(file.name, file.size)
    upload = uploads.create(team, user, file.size, Path(file.name).name[:255])
    if file.size:
        receiving.append(upload, 0, receiving.Body(file.read, file.size))
    return upload


@transaction.atomic
def create(team, user, upload: Upload, name: str = "") -> ModelFile:
    """Queue the inspection of a complete upload.

    Raises Expired, NotWhole, InUse or TooLarge for an upload that cannot be used, QuotaReached.
    """
    jobs.refuse_if_full(team)
    quota_usage.refuse_if_full(team)
    upload = Upload.objects.select_for_update().get(pk=upload.pk)
    _refuse_unusable(upload)
    made = ModelFile.objects.create(
        team=team,
        created_by=user,
        name=name or Path(upload.filename).stem[:120],
        filename=upload.filename,
        bytes=upload.length,
        upload=upload,
        job=jobs.submit(INSPECT, team, user),
    )
    audit.record("model-file.upload", made, actor=user, detail=upload.filename)
    return made


def _refuse_unusable(upload: Upload) -> None:
    if upload.version_id or ModelFile.objects.filter(upload=upload).exists():
        raise InUse(
            msg("The upload of {filename} is used already: upload the file again.", filename=upload.filename)
        )
    upload_limits.check_whole(upload)
    upload_limits.check_model_size(upload.filename, upload.length)


@transaction.atomic
def delete(file: ModelFile, user) -> None:
    """Remove a file with its inspection. Runs keep their own networks.

    Raises IllegalTransition while it is inspected, or while a run makes its network of it.
    """
    row = ModelFile.objects.select_for_update().select_related("job").get(pk=file.pk)
    if row.job.is_active or any(model.job.is_active for model in row.models.select_related("job")):
        raise IllegalTransition(msg("{name} is being read: wait for its job to end.", name=row.name))
    stored = list(row.job.artifacts.values_list("file", flat=True))
    job, upload = row.job, row.upload
    audit.record("model-file.delete", row, actor=user)
    row.delete()
    job.delete()
    if upload is not None:
        _drop(upload)
    transaction.on_commit(lambda: [default_storage.delete(name) for name in stored if name])


def _drop(upload: Upload) -> None:
    """Unless it has become a dataset version meanwhile, which needs it."""
    if Upload.objects.filter(pk=upload.pk, version=None).delete()[0]:
        transaction.on_commit(lambda: pieces.remove(upload))


# --- the inspection -----------------------------------------------------------------------------


def prepare_inspection(job: Job, folder: Path) -> Invocation:
    upload = job.model_file.upload
    if upload is None or (upload.length and not upload.pieces.exists()):
        raise InputError(msg("The uploaded file is no longer on the server: upload it again."))
    return Invocation(
        argv=settings.INTAKE_PROGRAM,
        inputs={"file": str(pieces.join(upload, folder / "inputs" / "model.bin"))},
        params={"chips": [configs.as_dict(chip) for chip in configs.chips().values()]},
        data_bytes=settings.CONVERT_MEMORY_BYTES or None,
    )


def complete_inspection(job: Job, result: dict) -> None:
    file = job.model_file
    file.facts = {key: value for key, value in result.items() if key not in ("ok", "tool_seconds")}
    upload, file.upload = file.upload, None
    file.save(update_fields=["facts", "upload"])
    if upload is not None:
        _drop(upload)


def replace_inspection(old: Job, new: Job) -> None:
    ModelFile.objects.filter(job=old).update(job=new)


# --- the step of a run --------------------------------------------------------------------------


@transaction.atomic
def start(
    file_id: int,
    version: DatasetVersion,
    user,
    *,
    name: str,
    task: str,
    params: dict,
    labels: list[str],
    priority: int = Priority.NORMAL,
) -> Model:
    """Queue the import of a model file, calibrated and measured on a dataset version. Raises QuotaReached.

    ``params`` has ``input_size``, ``mean``, ``std`` (for pixels from 0 to 1, in the model's own channel
    order), ``model_order``, that order, and the chosen ``output`` if there are several.
    """
    return Model.objects.create(
        team=version.team,
        created_by=user,
        name=name,
        origin=Origin.IMPORTED,
        task=task,
        recipe="",
        params=params,
        labels=labels,
        file=ModelFile.objects.for_team(version.team).filter(pk=file_id).first(),
        dataset_version=version,
        job=jobs.submit(IMPORT, version.team, user, priority=priority),
    )


def prepare_import(job: Job, folder: Path) -> Invocation:
    model = job.model
    if model.file is None:
        raise InputError(msg("The model file was deleted: upload it again and start a new run."))
    onnx = fetch_artifact(model.file.job, SOURCE, folder / "inputs" / SOURCE)
    return Invocation(
        argv=settings.INTAKE_PROGRAM,
        inputs={"onnx": str(onnx)},
        params={
            "task": model.task,
            "class_names": model.labels,
            "channel_order": model.params["model_order"],
            "output": model.params.get("output", ""),
            **{name: model.params[name] for name in ("input_size", "mean", "std")},
        },
        data_bytes=settings.CONVERT_MEMORY_BYTES or None,
    )


def complete_import(job: Job, result: dict) -> None:
    model, file = job.model, job.model.file
    model.facts = {key: value for key, value in result.items() if key not in ("ok", "evaluations")}
    if file is not None:  # kept here too: the file may be deleted later
        model.facts["file"] = {"name": file.filename, "sha256": file.facts["sha256"], "bytes": file.bytes}
    model.save(update_fields=["facts"])


def replace_import(old: Job, new: Job) -> None:
    Model.objects.filter(job=old).update(job=new)
