"""Datasets: the list, one dataset, one version, the upload."""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_POST

from portal.core import live
from portal.core.access import member_required
from portal.core.live import Live
from portal.core.paging import page_of
from portal.datasets import imports, indexes, pictures, services, uploads
from portal.datasets.errors import StagingError
from portal.datasets.findings import LEVELS
from portal.datasets.forms import UploadForm
from portal.datasets.index import Filter, ImageRow
from portal.datasets.limits import Limits
from portal.datasets.models import Dataset, DatasetVersion, Upload, UploadState
from portal.datasets.refusals import InUse
from portal.teams.quotas import QuotaReached

CLASS_THUMBS = 12
CLASSES_SHOWN = 100
YEAR = 365 * 24 * 3600
IMPORT_STATES = [UploadState.RECEIVING, UploadState.EXTRACTING, UploadState.CHECKING, UploadState.READY]
STATES = [UploadState.RECEIVED, UploadState.EXTRACTING, UploadState.CHECKING, UploadState.READY]


def dataset_list(request):
    """Every dataset with a few of its pictures."""
    rows = Dataset.objects.for_team(request.team).live().select_related("created_by")
    page = page_of(rows, request, size=24)
    newest = DatasetVersion.objects.newest_of([dataset.pk for dataset in page])
    by_dataset = {version.dataset_id: version for version in newest.select_related("dataset", "job")}
    covers = [(dataset, by_dataset.get(dataset.pk)) for dataset in page]
    return render(request, "datasets/list.html", {"page": page, "covers": covers})


def dataset_detail(request, pk):
    """One dataset: its versions."""
    dataset = get_object_or_404(Dataset.objects.for_team(request.team), pk=pk)
    versions = dataset.versions.filter(deleted_at=None).select_related("job", "job__created_by")
    return render(request, "datasets/detail.html", {"dataset": dataset, "versions": versions})


def _version(request, pk: int) -> DatasetVersion:
    rows = DatasetVersion.objects.for_team(request.team).select_related("dataset", "job", "job__created_by")
    return get_object_or_404(rows, pk=pk)


def dataset_version(request, pk):
    """What is in a version, and whether it is good enough to train."""
    version = _version(request, pk)
    context = {
        "version": version,
        "live": _live(request, version),
        "findings": _findings(version),
        "groups": _groups(version),
        "runs": version.runs.select_related("trained_model", "created_by")[:20],
        "longest": max((row["total"] for row in version.counts), default=1),
    }
    return render(request, "datasets/version.html", context)


def version_live(request, pk):
    """The live part of a version's page; tells the page to load anew when the check is over."""
    return live.answer(request, lambda: _live(request, _version(request, pk)))


def _live(request, version: DatasetVersion) -> Live:
    states = IMPORT_STATES if "import" in version.options else STATES
    context = {"version": version, "states": states}
    body = render_to_string("datasets/_version_live.html", context, request=request)
    url = reverse("dataset-version-live", args=[version.pk])
    return Live("version-live", url, body, version.job.is_active, reload=True)


def _findings(version: DatasetVersion) -> list[dict]:
    return sorted(version.findings, key=lambda finding: LEVELS.index(finding["level"]))


def _groups(version: DatasetVersion) -> list[tuple[dict, list[ImageRow]]]:
    """The classes with some of their images, in the order of the ids."""
    if not version.is_ready:
        return []
    with indexes.opened(version) as index:
        return [
            (row, index.page(Filter(class_id=class_id), limit=CLASS_THUMBS))
            for class_id, row in enumerate(version.counts[:CLASSES_SHOWN])
        ]


def dataset_image(request, pk, name):
    """One image of a version, as training gets it."""
    return _picture(request, _version(request, pk), pictures.number_of(name))


def dataset_thumb(request, pk, number):
    """The thumbnail of an image of a version; the image itself where that is small."""
    return _picture(request, _version(request, pk), number, small=True)


def _picture(request, version: DatasetVersion, number: int, *, small: bool = False) -> HttpResponse:
    """Versions never change: a browser may keep what it got, and asks for nothing twice."""
    try:
        found = pictures.find(version, number, small=small)
        if found is None:
            raise Http404
        headers = {"ETag": f'"{found.etag}"', "Cache-Control": f"private, max-age={YEAR}, immutable"}
        known = get_conditional_response(request, etag=headers["ETag"])
        if known is not None:
            response = known
        else:
            content, content_type = found.read()
            response = HttpResponse(content, content_type)
    except (FileNotFoundError, StagingError) as error:
        raise Http404 from error
    for name, value in headers.items():
        response[name] = value
    return response


@member_required
def dataset_new(request):
    """Upload an archive: a new dataset, or the next version of one."""
    initial = {}
    if request.GET.get("dataset", "").isdigit():
        dataset = get_object_or_404(Dataset.objects.for_team(request.team).live(), pk=request.GET["dataset"])
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
        "upload_max": uploads.most_bytes(request.team),
        "upload_chunk": settings.UPLOAD_PIECE_BYTES,
        "quota_left": uploads.quota_left(request.team),
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
    """Remove an upload that has not become a dataset."""
    upload = get_object_or_404(_own_uploads(request), pk=pk)
    try:
        uploads.discard(upload)
        messages.success(request, f"The upload of {upload.filename} is discarded.")
    except InUse as refusal:
        messages.error(request, str(refusal))
    return redirect("dataset-new")


@require_POST
@member_required
def dataset_digits(request):
    """Add the bundled sample."""
    try:
        version = services.add_digits(request.team, request.user)
    except QuotaReached as error:
        messages.error(request, str(error))
        return redirect("dataset-list")
    return redirect("dataset-version", pk=version.pk)
