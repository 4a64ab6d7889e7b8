"""Compiled models: which exist, for which chip, how accurate, where they run."""

from __future__ import annotations

from django.db.models import Prefetch
from django.shortcuts import render

from portal.conversions.models import CompiledModel
from portal.core import configs
from portal.core.paging import page_of
from portal.deployments.models import Deployment
from portal.jobs.models import Status


def model_list(request):
    """Every compiled model that was made, newest first."""
    rows = CompiledModel.objects.filter(run__team=request.team, job__status=Status.SUCCEEDED)
    chip = request.GET.get("chip", "")
    if chip in configs.chips():
        rows = rows.filter(chip=chip)
    placed = Deployment.objects.exclude(activated_at=None).select_related("device")
    rows = rows.select_related("run__dataset_version__dataset", "job").prefetch_related(
        Prefetch("deployments", placed, to_attr="placed")
    )
    page = page_of(rows, request)
    context = {"page": page, "chip": chip, "chips": configs.chips()}
    return render(request, "conversions/list.html", context)
