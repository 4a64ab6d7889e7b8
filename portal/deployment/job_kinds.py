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
from portal.devices.job_kinds import held_up_at
from portal.devices.models import Device
from portal.jobs import filters, kinds, search
from portal.jobs.kinds import Subject
from portal.models import costs, placements
from portal.teams.models import Role


def register() -> None:
    usage.add_reading_jobs("deployment__compiled_model__model__dataset_version__content_hash")
    kinds.register(
        kinds.Kind(
            name=services.KIND,
            title=_("Deploy"),
            queue="deploy",
            time_limit=3600,
            perform=attempt.perform,
            complete=services.complete,
            claim=_claim,
            held_up=_held_up,
            replace=services.replace,
            subjects=_subjects,
            role=Role.OPERATOR,
            after=services.after,
        )
    )
    kinds.register(
        kinds.Kind(
            name=profiling.KIND,
            title=_("Measure the speed"),
            queue="deploy",
            time_limit=600,
            perform=profiling.perform,
            complete=profiling.complete,
            claim=profiling.claim,
            held_up=_profile_held_up,
            replace=profiling.replace,
            subjects=_profiled,
            role=Role.OPERATOR,
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


def _claim(job) -> bool:
    return Device.objects.claim(job.deployment.device_id, job)


def _held_up(ids: set[int]) -> set[int]:
    return held_up_at(("deployment__device",), ids)


def _profile_held_up(ids: set[int]) -> set[int]:
    return held_up_at(("profile__device",), ids)


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
