"""The job kinds that talk to a board, and how jobs relate to devices."""

from __future__ import annotations

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.core.filters import RowOf
from portal.devices import access, inference, inference_images, services
from portal.devices.models import AccessChange, Device, Inference
from portal.jobs import filters, kinds, search
from portal.jobs.kinds import Subject
from portal.jobs.models import Job, Status
from portal.teams import quota_usage
from portal.teams.models import Role
from portal.teams.quota_usage import StoragePart


def on_board(row: str, **fields) -> kinds.Kind:
    """A kind of the jobs that talk to a board, one at a time; ``row`` of the job names the device."""
    return kinds.Kind(
        claim=lambda job: Device.objects.claim(getattr(job, row).device_id, job),
        site=lambda job: getattr(job, row).device.site if hasattr(job, row) else "",
        held_up=lambda ids: held_up_at((f"{row}__device",), ids),
        role=Role.OPERATOR,
        **({"queue": "deploy"} | fields),
    )


def register() -> None:
    kinds.register(
        kinds.Kind(
            name="probe",
            title=_("Connection check"),
            queue="deploy",
            time_limit=120,
            perform=services.perform_probe,
            complete=services.complete_probe,
            claim=services.claim_for_probe,
            held_up=lambda ids: held_up_at(("probed_devices",), ids),
            site=services.site_of_probe,
            replace=services.replace_probe,
            subjects=_probed,
            role=Role.OPERATOR,
        )
    )
    kinds.register(
        on_board(
            "access_change",
            name=access.KIND,
            title=_("Change of access"),
            time_limit=600,
            perform=access.perform,
            complete=access.complete,
            replace=access.replace,
            subjects=_changed,
        )
    )
    kinds.register(
        on_board(
            "inference",
            name="infer",
            title=_("Inference"),
            time_limit=1800,
            perform=inference.perform,
            complete=inference.complete,
            after=inference.after_end,
            replace=inference.replace,
            subjects=_inferences,
        )
    )
    quota_usage.add_storage(
        StoragePart("inferences", _("Images sent to devices"), inference_images.stored_bytes)
    )
    search.add_word_place(_named)
    paths = ("inference__device", "probed_devices", "access_change__device")
    filters.add_filter("device", RowOf(Device.objects.for_team, *paths))


def held_up_at(paths: tuple[str, ...], ids: set[int]) -> set[int]:
    """The queued jobs whose device, at the end of one of the paths, is in use by another job."""
    busy = [Status.RUNNING, Status.CANCELLING]
    found = Q(pk__in=[])
    for path in paths:
        found |= Q(**{f"{path}__busy_with__status__in": busy})
    return set(Job.objects.filter(found, pk__in=ids).values_list("pk", flat=True))


def _probed(ids: set[int]) -> dict[int, Subject]:
    return {
        device.probe_job_id: Subject(device.name, reverse("device-detail", args=[device.pk]))
        for device in Device.objects.filter(probe_job__in=ids)
    }


def _changed(ids: set[int]) -> dict[int, Subject]:
    return {
        row.job_id: Subject(row.device.name, reverse("device-access", args=[row.device_id]))
        for row in AccessChange.objects.filter(job__in=ids).select_related("device")
    }


def _inferences(ids: set[int]) -> dict[int, Subject]:
    return {
        row.job_id: Subject(row.device.name, reverse("inference-detail", args=[row.device_id, row.pk]))
        for row in Inference.objects.filter(job__in=ids).select_related("device")
    }


def _named(word: str, team) -> Q:
    devices = Device.objects.for_team(team).filter(name__icontains=word).order_by()
    inferences = Inference.objects.filter(device__in=devices.values("pk")).order_by()
    changes = AccessChange.objects.filter(device__in=devices.values("pk")).order_by()
    return (
        Q(pk__in=devices.values("probe_job"))
        | Q(pk__in=inferences.values("job"))
        | Q(pk__in=changes.values("job"))
    )
