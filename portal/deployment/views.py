"""Rollback of deployments."""

from __future__ import annotations

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from portal.deployment import services
from portal.deployment.models import Deployment
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
