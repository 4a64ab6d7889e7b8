"""The page that starts a run with an uploaded model."""

from __future__ import annotations

from django.shortcuts import get_object_or_404, redirect, render

from portal.core import configs
from portal.core.numbers import whole_number
from portal.models.model_files import ModelFile
from portal.runs import services
from portal.runs.graph import Graph
from portal.runs.import_forms import ImportForm, initial_from
from portal.runs.models import Run
from portal.runs.plan import PlanError
from portal.teams.access import member_required
from portal.teams.quotas import QuotaReached


@member_required
def run_import(request, pk):
    """Describe the network's input and classes; compile, measure and deploy it."""
    file = get_object_or_404(ModelFile.objects.for_team(request.team).select_related("job"), pk=pk)
    if not file.is_usable:
        return redirect(file)
    form = ImportForm(
        request.POST or None,
        initial=_initial(request, file),
        file=file,
        team=request.team,
        membership=request.membership,
    )
    if form.is_bound and form.is_valid() and (plan := form.make_plan()):
        try:
            return redirect("run-detail", pk=services.create_run(plan, request.team, request.user).pk)
        except QuotaReached as error:
            form.add_errors({"": str(error)})
        except PlanError as error:  # deleted meanwhile
            form.add_errors(error.fields)
    context = {"form": form, "file": file, "chip_books": configs.chips()}
    return render(request, "runs/import.html", context, status=422 if form.errors else 200)


def _initial(request, file: ModelFile) -> dict:
    """The choices of the run to repeat, or the file's own."""
    chosen = whole_number(request.GET.get("run", ""))
    run = Run.objects.for_team(request.team).filter(pk=chosen).first() if chosen is not None else None
    graph = Graph(run) if run else None
    if graph is not None and graph.model is not None and graph.model.file_id == file.pk:
        return initial_from(run, graph)
    fitting = [one["chip"] for one in file.facts["chips"] if one["fits"] and one["chip"] == "rv1106"]
    width, height = file.facts["input_size"]
    return {"chips": fitting, "width": width, "height": height}
