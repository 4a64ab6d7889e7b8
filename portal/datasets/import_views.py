"""The page that imports a dataset from the server or from S3."""

from __future__ import annotations

from django.shortcuts import get_object_or_404, redirect, render

from portal.core.numbers import whole_number
from portal.datasets import imports, services, upload_limits
from portal.datasets.forms import ImportForm
from portal.datasets.models import Dataset
from portal.teams.access import member_required
from portal.teams.quotas import QuotaReached
from workers.datakit.limits import Limits


@member_required
def dataset_import(request):
    """Import from an allowed location: a new dataset, or the next version of one."""
    initial = {}
    chosen = whole_number(request.GET.get("dataset", ""))
    if chosen is not None:
        dataset = get_object_or_404(Dataset.objects.for_team(request.team), pk=chosen)
        initial["name"] = dataset.name
    form = ImportForm(request.POST or None, initial=initial, team=request.team)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        where = {key: data[key] for key in ("name", "source", "path")}
        try:
            version = services.create_import(request.team, request.user, **where, options=form.options())
            return redirect("dataset-version", pk=version.pk)
        except QuotaReached as error:
            form.add_errors({"": str(error)})
    context = {
        "form": form,
        "places": imports.places(),
        "limits": Limits(),
        "most_bytes": upload_limits.most_bytes(request.team),
    }
    return render(request, "datasets/import.html", context, status=422 if form.errors else 200)
