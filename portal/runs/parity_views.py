"""The page of a run's parity report."""

from django.shortcuts import get_object_or_404, render

from portal.runs import improving
from portal.runs.graph import Graph
from portal.runs.models import Run
from portal.runs.parity_report import branch_reports
from portal.runs.quality import quality


def run_parity(request, pk):
    """All stages on the same images: which one lost accuracy, why, and what to do."""
    rows = Run.objects.for_team(request.team).select_related(
        "dataset_version__dataset", "dataset_version__job"
    )
    run = get_object_or_404(rows, pk=pk)
    graph = Graph(run)
    context = {
        "run": run,
        "task": graph.task,
        "quality": quality(graph),
        "shown_from": graph.model.shown_from if graph.model else None,
        "reports": branch_reports(graph),
        "may_improve": improving.is_offered(run, request),
    }
    return render(request, "runs/parity.html", context)
