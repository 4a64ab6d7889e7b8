"""Children of rows of the seed that belong to one feature each, for ``bulk_children``."""

from __future__ import annotations

from django.utils import timezone

from portal.camera import capture
from portal.camera.models import Capture, CapturedImage, CaptureDraft
from portal.compilation import layer_errors, search
from portal.compilation.models import LayerErrors, QuantizationSearch
from portal.datasets.models import Upload
from portal.deployment import profiling
from portal.deployment.models import Policy, Profile
from portal.devices import access
from portal.devices.models import AccessChange, Device
from portal.importing import services as importing
from portal.jobs.models import Job
from portal.models.model_files import ModelFile
from portal.models.models import CompiledModel, Prelabelling
from portal.prelabelling import services as prelabelling
from portal.rollouts.models import Group
from portal.runs import baselines
from portal.runs.models import Baseline
from portal.teams import service_accounts, tokens
from portal.teams.models import Role
from tests.graphs import compiled_of, model_of


def add(rows: dict, name: str, person, job_of_kind) -> None:
    """``job_of_kind`` makes a finished job of a kind and a person."""
    team = rows["version"].team
    device = Device.objects.get(team=team, name=name)
    compiled = CompiledModel.objects.filter(model=model_of(rows["done"]), chip=name[-20:]).get()
    _of_models(rows, team, name, person, compiled, job_of_kind)
    _of_boards(rows, team, name, person, device, job_of_kind)
    _of_people(team, name, person)


def _of_models(rows, team, name: str, person, compiled: CompiledModel, job_of_kind) -> None:
    Baseline.objects.create(
        run=rows["done"], chip=name[-20:], channel_order="bgr", compiled_model=compiled, model_name=name,
        job=job_of_kind(baselines.KIND, person), problem="It is gone.",
    )  # fmt: skip
    LayerErrors.objects.create(
        compiled_model=compiled_of(rows["done"]).first(), job=job_of_kind(layer_errors.KIND, person), images=1
    )
    found = QuantizationSearch.objects.create(
        model=compiled.model, chip=compiled.chip, channel_order="bgr", allowed_drop=0.1,
        job=job_of_kind(search.KIND, person),
    )  # fmt: skip
    for one in (found, rows["search"]):
        one.started.add(compiled)
    Prelabelling.objects.create(
        team=team, created_by=person, draft=rows["prelabelling"].draft, model=compiled.model,
        least_score=0.4, job=job_of_kind(prelabelling.KIND, person),
    )  # fmt: skip
    ModelFile.objects.create(
        team=team, created_by=person, name=name, filename="own.onnx", bytes=100,
        job=job_of_kind(importing.INSPECT, person), facts=rows["file"].facts,
    )  # fmt: skip
    Policy.objects.create(team=team, created_by=person, task="classification", chip=name[-20:], max_drop=0.1)


def _of_boards(rows, team, name: str, person, device: Device, job_of_kind) -> None:
    own = CaptureDraft.objects.create(team=team, created_by=person, dataset_name=name, task="classification")
    for draft in (own, rows["capture"].draft):
        Capture.objects.create(
            draft=draft, device=device, count=1, every_ms=0, width=64, height=64,
            job=job_of_kind(capture.KIND, person),
        )  # fmt: skip
        CapturedImage.objects.create(
            draft=draft, key=name, file=f"a/{name}", bytes=9, width=9, height=9, device=device,
            taken_at=timezone.now(), origin="device",
        )  # fmt: skip
    job: Job = job_of_kind(profiling.KIND, person)
    Profile.objects.create(team=team, created_by=person, device=rows["virtual"], job=job, release=name)
    AccessChange.objects.create(
        device=rows["virtual"], created_by=person, action="install-key", job=job_of_kind(access.KIND, person),
        done_at=timezone.now(),
    )  # fmt: skip
    Group.objects.create(team=team, name=name).devices.add(device)


def _of_people(team, name: str, person) -> None:
    service_accounts.make(team, person, name, Role.MEMBER)
    tokens.make(team, person, name, ["read"], 30)
    Upload.objects.create(
        team=team, created_by=person, filename=f"{name}.zip", length=10, expires_at=timezone.now()
    )
