"""The page that compares runs."""

from __future__ import annotations

from django.http import JsonResponse
from django.shortcuts import render

from portal.runs import compare
from portal.runs.compare import CannotCompare, Comparison


def run_compare(request):
    """Two to six runs side by side; their numbers are in the URL."""
    try:
        runs = compare.choose(request.team, request.GET.getlist("ids"))
    except CannotCompare as error:
        status = 404 if error.unknown else 400
        return render(request, "runs/compare.html", {"sentence": str(error)}, status=status)
    context = {
        "comparison": Comparison(runs),
        "ids": ",".join(str(run.pk) for run in runs),
        "names": [f"{run.pk} {run.name}" for run in runs],
    }
    return render(request, "runs/compare.html", context)


def run_compare_curves(request):
    """The curves of the runs, thinned, for the charts of that page."""
    try:
        runs = compare.choose(request.team, request.GET.getlist("ids"))
    except CannotCompare as error:
        return JsonResponse({"detail": str(error)}, status=404 if error.unknown else 400)
    return JsonResponse(compare.curve_points(runs))
