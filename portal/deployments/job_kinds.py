"""The kind of job that puts a release on a board."""

from __future__ import annotations

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.deployments import services
from portal.deployments.models import Deployment
from portal.devices.job_kinds import held_up
from portal.devices.models import Device
from portal.devices.services import claim
from portal.jobs import kinds, search
from portal.jobs.subjects import Subject
from portal.runs.services import revive
from portal.teams.models import Role


def register() -> None:
    kinds.register(
        kinds.Kind(
            name="deploy",
            title=_("Deploy"),
            queue="deploy",
            time_limit=3600,
            perform=services.perform,
            complete=services.complete,
            claim=claim,
            held_up=held_up,
            replace=services.replace,
            revive=revive,
            subjects=_subjects,
            role=Role.OPERATOR,
            after=services.after,
        )
    )
    search.add_word_place(_to_device)


def _subjects(ids: set[int]) -> dict[int, Subject]:
    return {
        row.job_id: Subject(str(row), reverse("run-detail", args=[row.run_id]))
        for row in Deployment.objects.filter(job__in=ids).select_related("run", "device")
    }


def _to_device(word: str, team) -> Q:
    devices = Device.objects.for_team(team).filter(name__icontains=word).order_by().values("pk")
    return Q(pk__in=Deployment.objects.filter(device__in=devices).order_by().values("job"))
