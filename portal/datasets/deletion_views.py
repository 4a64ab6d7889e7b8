"""Pages for renaming, deleting and restoring datasets and versions."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.core.paging import page_of
from portal.datasets import deletion, usage
from portal.datasets.forms import RenameForm
from portal.datasets.models import Dataset, DatasetVersion
from portal.datasets.refusals import NameTaken
from portal.teams.access import member_required


def _dataset(request, pk: int) -> Dataset:
    return get_object_or_404(Dataset.objects.for_team(request.team).with_figures(), pk=pk)


def _version(request, pk: int) -> DatasetVersion:
    rows = DatasetVersion.objects.for_team(request.team).select_related("dataset", "job")
    return get_object_or_404(rows, pk=pk)


def until(row: Dataset | DatasetVersion):
    """Until when a deleted row can be restored for certain."""
    return row.deleted_at + timedelta(days=settings.DATASET_KEPT_DAYS)


@member_required
def dataset_rename(request, pk):
    """Rename a dataset."""
    dataset = _dataset(request, pk)
    form = RenameForm(request.POST or None, initial={"name": dataset.name})
    if form.is_bound and form.is_valid():
        try:
            deletion.rename(dataset, request.user, form.cleaned_data["name"])
            return redirect("dataset-detail", pk=pk)
        except NameTaken as refusal:
            form.add_errors({"name": str(refusal)})
    context = {"dataset": _dataset(request, pk), "form": form}
    return render(request, "datasets/rename.html", context, status=422 if form.errors else 200)


@member_required
def dataset_delete(request, pk):
    """Ask for confirmation, then delete a dataset with its versions."""
    dataset = _dataset(request, pk)
    if request.method == "POST":
        deletion.delete_dataset(dataset, request.user)
        messages.success(request, _("%(name)s is deleted.") % {"name": dataset})
        return redirect("dataset-deleted-list")
    runs = dataset.versions.filter(usage.used()).count()
    return render(request, "datasets/delete.html", _confirmation(dataset, dataset.name, runs))


@member_required
def version_delete(request, pk):
    """Ask for confirmation, then delete a version."""
    version = _version(request, pk)
    if request.method == "POST":
        deletion.delete_version(version, request.user)
        messages.success(request, _("%(name)s is deleted.") % {"name": version})
        return redirect("dataset-detail", pk=version.dataset_id)
    context = _confirmation(version.dataset, str(version), int(usage.is_used(version)))
    return render(request, "datasets/delete.html", context | {"version": version})


def _confirmation(dataset: Dataset, name: str, in_use: int) -> dict:
    return {"dataset": dataset, "name": name, "in_use": in_use, "days": settings.DATASET_KEPT_DAYS}


@require_POST
@member_required
def dataset_restore(request, pk):
    """Restore a deleted dataset."""
    try:
        deletion.restore_dataset(_dataset(request, pk), request.user)
    except NameTaken as refusal:
        messages.error(request, str(refusal))
        return redirect("dataset-deleted-list")
    return redirect("dataset-detail", pk=pk)


@require_POST
@member_required
def version_restore(request, pk):
    """Restore a deleted version."""
    deletion.restore_version(_version(request, pk), request.user)
    return redirect("dataset-version", pk=pk)


def deleted_list(request):
    """What can be restored: deleted datasets, and deleted versions of existing ones."""
    datasets = Dataset.objects.for_team(request.team).exclude(deleted_at=None).with_figures()
    versions = DatasetVersion.objects.for_team(request.team).filter(dataset__deleted_at=None)
    page = page_of(versions.exclude(deleted_at=None).select_related("dataset"), request)
    return render(
        request,
        "datasets/deleted.html",
        {
            "datasets": [(row, until(row)) for row in datasets.order_by("-deleted_at")[:200]],
            "versions": [(row, until(row)) for row in page],
            "page": page,
            "days": settings.DATASET_KEPT_DAYS,
        },
    )
