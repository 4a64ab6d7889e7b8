"""Rollback and evidence of deployments."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from portal.deployment import evidence, profiling, services, signing
from portal.deployment.models import Deployment
from portal.devices.models import Device
from portal.jobs.models import IllegalTransition
from portal.teams.access import operator_required
from portal.teams.quotas import QuotaReached


@require_POST
@operator_required
def deployment_rollback(request, pk):
    """Make a deployment's release, which is on its device, current again."""
    rows = Deployment.objects.for_team(request.team).select_related("device", "source", "job")
    source = get_object_or_404(rows, pk=pk)
    try:
        deployment = services.roll_back(source, request.user)
    except (IllegalTransition, QuotaReached) as error:
        messages.error(request, str(error))
        return redirect("device-detail", pk=source.device_id)
    return redirect("job-detail", pk=deployment.job_id)


@require_POST
@operator_required
def device_profile(request, pk):
    """Time the current release of a device."""
    device = get_object_or_404(Device.objects.for_team(request.team), pk=pk)
    try:
        profiling.start(device, request.user)
    except (IllegalTransition, QuotaReached) as error:
        messages.error(request, str(error))
    return redirect(reverse("device-detail", args=[device.pk]) + "#profiles")


def evidence_of(request, pk: int | str) -> evidence.Evidence:
    """The evidence of a deployment by its number. Raises Http404, and IllegalTransition before its end."""
    try:
        return evidence.find(request.team, int(pk))
    except evidence.Evidence.DoesNotExist:
        raise Http404 from None


def deployment_evidence(request, pk):
    """The signed evidence of a deployment as one HTML page, to download."""
    try:
        found = evidence_of(request, pk)
    except IllegalTransition as error:
        messages.error(request, str(error))
        return redirect("device-list")
    return as_file(evidence.page(found), evidence.file_name(found, "html"), "text/html")


def deployment_evidence_json(request, pk):
    """The signed evidence of a deployment as one JSON file."""
    try:
        found = evidence_of(request, pk)
    except IllegalTransition as error:
        messages.error(request, str(error))
        return redirect("device-list")
    response = JsonResponse(evidence.envelope(found), json_dumps_params={"indent": 1})
    name = evidence.file_name(found, "json")
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


def signing_key(request):
    """The public key with which the team's evidence is verified, in PEM."""
    return as_file(
        signing.key_of(request.team).pem.encode(), "slipway-evidence-key.pem", "application/x-pem-file"
    )


def as_file(content: bytes, name: str, content_type: str) -> HttpResponse:
    """A download: what a page in it may do is not up to this portal's pages."""
    headers = {"Content-Disposition": content_disposition_header(True, name)}
    return HttpResponse(content, content_type=content_type, headers=headers)
