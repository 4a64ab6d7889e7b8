"""Put a run's model on a device, after the questions that this raises."""

from __future__ import annotations

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from portal.core.messages import shown
from portal.core.numbers import whole_number
from portal.deployment.forms import ExceptionForm
from portal.deployment.gate import Gate, gate_of
from portal.devices.models import Device
from portal.jobs.models import IllegalTransition
from portal.models.models import CompiledModel
from portal.runs import plan as plans
from portal.runs import replacing, services
from portal.runs.graph import Graph
from portal.runs.models import Run
from portal.teams.access import operator_required
from portal.teams.quotas import QuotaReached
from workers.contract.messages import msg


@require_POST
@operator_required
def run_deploy(request, pk):
    """Deploy the run's model to a device. Asks first if that replaces a better one or another dataset's, and
    for a reason if the team's policy refuses the model.
    """
    run = get_object_or_404(Run.objects.for_team(request.team), pk=pk)
    chosen = whole_number(request.POST.get("device", ""))
    device = Device.objects.for_team(request.team).filter(pk=chosen).first()
    if device is None:
        messages.error(request, msg("Choose a device: this one is not registered in your team."))
        return redirect("run-detail", pk=run.pk)
    compiled = services.model_for(Graph(run), device)
    form = ExceptionForm(request.POST if "override" in request.POST else None)
    questions = _questions(request, compiled, device, form)
    if questions:
        context = {"run": run, "device": device, "form": form, **questions}
        return render(request, "runs/deploy.html", context, status=422 if form.errors else 200)
    return _deploy(request, run, device, form.cleaned_data["override"] if form.is_valid() else "")


def _questions(request, compiled: CompiledModel | None, device: Device, form: ExceptionForm) -> dict:
    """What a person has to answer first; empty if nothing is open."""
    if compiled is None:
        return {}
    gate = gate_of(compiled)
    refused: Gate | None = None if gate.passed or form.is_valid() else gate
    asked = [] if request.POST.get("confirmed") and not refused else replacing.questions(compiled, device)
    return {"gate": refused, "questions": asked} if refused or asked else {}


def _deploy(request, run: Run, device: Device, override: str):
    try:
        deployment = services.deploy(run, device, request.user, override)
    except plans.PlanError as error:
        messages.error(request, " ".join(map(shown, error.fields.values())))
    except (IllegalTransition, QuotaReached) as error:
        messages.error(request, str(error))
    else:
        return redirect("job-detail", pk=deployment.job_id)
    return redirect("run-detail", pk=run.pk)
