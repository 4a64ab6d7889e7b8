"""The job kind that deploys a release to a board."""

from __future__ import annotations

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.core import panels
from portal.datasets import usage
from portal.deployment import attempt, doctor, profiling, services
from portal.deployment.models import Deployment, Profile
from portal.deployment.running import DeploymentsOnBoards, devices_that_run, panel
from portal.devices import fitness, releases
from portal.devices.job_kinds import on_board
from portal.devices.models import Device
from portal.jobs import filters, kinds, search
from portal.jobs.kinds import Subject
from portal.models import costs, placements


def register() -> None:
    usage.add_reading_jobs("deployment__compiled_model__model__dataset_version__content_hash")
    kinds.register(
        on_board(
            "deployment",
            name=services.KIND,
            title=_("Deploy"),
            time_limit=3600,
            perform=attempt.perform,
            complete=services.complete,
            replace=services.replace,
            subjects=_subjects,
            after=services.after,
        )
    )
    kinds.register(
        on_board(
            "profile",
            name=profiling.KIND,
            title=_("Measure the speed"),
            time_limit=600,
            perform=profiling.perform,
            complete=profiling.complete,
            replace=profiling.replace,
            subjects=_profiled,
        )
    )
    costs.add_measurements(profiling.measured_of)
    releases.register(DeploymentsOnBoards())
    fitness.add_check(doctor.of_newest_model)
    placements.set_finder(devices_that_run)
    panels.add("device", panel)
    panels.add("device", profiling.panel)
    search.add_word_place(_to_device)
    filters.extend("device", "deployment__device", "profile__device")


def _profiled(ids: set[int]) -> dict[int, Subject]:
    rows = Profile.objects.filter(job__in=ids).select_related("device")
    return {
        row.job_id: Subject(row.device.name, reverse("device-detail", args=[row.device_id])) for row in rows
    }


def _subjects(ids: set[int]) -> dict[int, Subject]:
    rows = Deployment.objects.filter(job__in=ids).select_related("compiled_model__model", "device")
    return {row.job_id: Subject(str(row), reverse("device-detail", args=[row.device_id])) for row in rows}


def _to_device(word: str, team) -> Q:
    devices = Device.objects.for_team(team).filter(name__icontains=word).order_by().values("pk")
    return Q(pk__in=Deployment.objects.filter(device__in=devices).order_by().values("job"))
