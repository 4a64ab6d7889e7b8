"""Pages of datasets: the list, one dataset, the upload. See ``version_views`` and ``image_views`` for the
rest.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from portal.core.bodies import an_archive, takes
from portal.core.numbers import whole_number
from portal.core.paging import page_of
from portal.datasets import imports, reading_page, services, upload_limits, uploads
from portal.datasets.forms import UploadForm
from portal.datasets.models import Dataset, DatasetVersion, Upload
from portal.datasets.refusals import InUse
from portal.teams.access import member_required
from portal.teams.quotas import QuotaReached
from workers.contract.messages import msg
from workers.datakit.limits import Limits


def dataset_list(request):
    """Every dataset with a few of its images."""
    rows = Dataset.objects.for_team(request.team).live().select_related("created_by")
    page = page_of(rows, request, size=24)
    newest = DatasetVersion.objects.newest_of([dataset.pk for dataset in page])
    by_dataset = {
        version.dataset_id: version for version in newest.select_related("dataset", "job").defer("reading")
    }
    covers = [(dataset, by_dataset.get(dataset.pk)) for dataset in page]
    deleted = DatasetVersion.objects.for_team(request.team).exclude(deleted_at=None, dataset__deleted_at=None)
    context = {"page": page, "covers": covers, "deleted": deleted.exists()}
    return render(request, "datasets/list.html", context)


def dataset_detail(request, pk):
    """One dataset: its versions."""
    dataset = get_object_or_404(Dataset.objects.for_team(request.team).with_figures(), pk=pk)
    versions = dataset.versions.filter(deleted_at=None).select_related("job", "job__created_by")
    context = {"dataset": dataset, "versions": versions.defer("reading")}
    context["any_test"] = any(version.test_images for version in context["versions"])
    context["remembered"] = reading_page.remembered(dataset)
    return render(request, "datasets/detail.html", context)


@takes(an_archive)
@member_required
def dataset_new(request):
    """Upload an archive: a new dataset, or the next version of one."""
    initial = {}
    chosen = whole_number(request.GET.get("dataset", ""))
    if chosen is not None:
        dataset = get_object_or_404(Dataset.objects.for_team(request.team).live(), pk=chosen)
        initial |= {"name": dataset.name, "mode": request.GET.get("mode", "")}
    received = _own_uploads(request).received().filter(pk=_uuid(request.GET.get("received", ""))).first()
    if received:
        initial |= {"received": received, "name": initial.get("name") or Path(received.filename).stem}
    form = UploadForm(request.POST or None, request.FILES or None, initial=initial, team=request.team)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        archive = data["file"] or data["received"]
        try:
            version = services.create_version(
                request.team, request.user, data["name"], archive, form.options()
            )
            return redirect("dataset-version", pk=version.pk)
        except QuotaReached as error:
            form.add_errors({"": str(error)})
    context = {
        "form": form,
        "limits": Limits(),
        "upload_max": upload_limits.most_bytes(request.team),
        "upload_chunk": settings.UPLOAD_PIECE_BYTES,
        "quota_left": upload_limits.quota_left(request.team),
        "kept_hours": settings.UPLOAD_KEPT_HOURS,
        "received": received,
        "waiting": _own_uploads(request).waiting(),
        "importable": bool(imports.places()),
    }
    return render(request, "datasets/new.html", context, status=422 if form.errors else 200)


def _own_uploads(request):
    """A person's own uploads, newest first."""
    return Upload.objects.for_team(request.team).filter(created_by=request.user)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@require_POST
@member_required
def upload_discard(request, pk):
    """Discard an upload that has not become a dataset."""
    upload = get_object_or_404(_own_uploads(request), pk=pk)
    try:
        uploads.discard(upload)
        messages.success(request, msg("The upload of {filename} is discarded.", filename=upload.filename))
    except InUse as refusal:
        messages.error(request, str(refusal))
    return redirect("dataset-new")


@require_POST
@member_required
def dataset_sample(request, task):
    """Add the bundled sample of a task."""
    try:
        version = services.add_sample(request.team, request.user, task)
    except QuotaReached as error:
        messages.error(request, str(error))
        return redirect("dataset-list")
    return redirect("dataset-version", pk=version.pk)
