"""The page that improves a run's model: the methods, each with its form."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render

from portal.runs import services
from portal.runs.graph import Graph
from portal.runs.improve_forms import FORMS
from portal.runs.improving import IMPORTED
from portal.runs.models import Run
from portal.runs.plan import PlanError
from portal.teams.access import member_required
from portal.teams.quotas import QuotaReached


@member_required
def run_improve(request, pk):
    """Choose a method, and start a run that uses it."""
    rows = Run.objects.for_team(request.team).select_related("dataset_version__dataset")
    run = get_object_or_404(rows, pk=pk)
    graph = Graph(run)
    if graph.is_imported:
        messages.error(request, IMPORTED)
        return redirect("run-detail", pk=run.pk)
    chosen = request.POST.get("method", "")
    forms = {
        name: kind(request.POST if name == chosen else None, graph=graph) for name, kind in FORMS.items()
    }
    if chosen in forms and forms[chosen].is_valid():
        try:
            plan = forms[chosen].make_plan()
            with transaction.atomic():
                made = services.create_run(plan, request.team, request.user, run)
                for other in forms[chosen].others:
                    services.create_run(other, request.team, request.user)
            return redirect("run-detail", pk=made.pk)
        except PlanError as error:
            forms[chosen].add_errors(error.fields)
        except QuotaReached as error:
            forms[chosen].add_errors({"": str(error)})
    refused = any(form.errors for form in forms.values() if form.is_bound)
    context = {"run": run, "forms": forms}
    return render(request, "runs/improve.html", context, status=422 if refused else 200)
