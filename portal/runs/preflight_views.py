"""The page with the cost of every recipe on a chip."""

from __future__ import annotations

from django.shortcuts import render

from portal.core import configs
from portal.devices.models import Device
from portal.runs import preflight, suggestions


def run_costs(request):
    """Recipes and input sizes on the chip of ``?chip=``, or on the team's usual one."""
    wanted = request.GET.get("chip", "")
    usual = suggestions.usual_chip(Device.objects.for_team(request.team))
    chip = wanted if wanted in configs.chips() else usual
    context = {"matrix": preflight.matrix(request.team, chip), "chips": configs.chips()}
    return render(request, "runs/costs.html", context)
