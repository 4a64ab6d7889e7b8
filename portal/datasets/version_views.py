"""Pages of one version: report, images, differences, export."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.core import live, panels
from portal.core.live import Live
from portal.core.numbers import whole_number
from portal.datasets import contents, diffs, indexes, pictures, reading_page, report, stored_images
from portal.datasets.models import DatasetVersion
from portal.datasets.reading_forms import LabellingForm, ReadingForm
from portal.datasets.states import Review, UploadState
from workers.datakit import export
from workers.datakit.diffing import KINDS
from workers.datakit.errors import StagingError

UNLABELLED = ("unlabelled", "images-without-boxes", "no-boxes")  # findings
IMPORT_STATES = [UploadState.RECEIVING, UploadState.EXTRACTING, UploadState.CHECKING, UploadState.READY]
STATES = [UploadState.RECEIVED, UploadState.EXTRACTING, UploadState.CHECKING, UploadState.READY]


def find_version(request, pk: int) -> DatasetVersion:
    """A version of the caller's team, deleted or not; a 404 for any other."""
    rows = DatasetVersion.objects.for_team(request.team)
    rows = rows.select_related(
        "dataset", "job", "job__created_by", "parent__job", "source__dataset", "confirmed_by"
    )
    return get_object_or_404(rows, pk=pk)


def find_ready_version(request, pk: int) -> DatasetVersion:
    version = find_version(request, pk)
    if not version.is_ready:
        raise Http404
    return version


def dataset_version(request, pk):
    """The content of a version, and whether it is fit for training; or how its upload was read."""
    return page(request, find_version(request, pk))


def page(
    request,
    version: DatasetVersion,
    form: ReadingForm | None = None,
    labelling: LabellingForm | None = None,
) -> HttpResponse:
    """The page of a version; ``form`` or ``labelling`` is an invalid one."""
    context = {
        "version": version,
        "live": _live(request, version),
        "panels": panels.of("dataset-version", request, version),
        "reading": reading_page.of(version),
        **reading_page.review(version, form, labelling),
    }
    if version.is_checked:
        context |= _report(request, version)
    return render(request, "datasets/version.html", context, status=422 if form or labelling else 200)


def _report(request, version: DatasetVersion) -> dict:
    given = request.GET.get("page", "")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 1
    try:
        with indexes.opened(version) as index:
            classes = report.classes(version, index, request.GET.get("order", ""), number)
    except StagingError as error:
        return {"lost": str(error)}
    if version.in_review:
        told = reading_page.kinds_left_out(version)
        return {"findings": report.findings(version, without=told), "classes": classes}
    others = version.dataset.versions.live().ready().exclude(pk=version.pk)
    return {
        "findings": report.findings(version),
        "classes": classes,
        "unlabelled": any(finding["code"] in UNLABELLED for finding in version.findings),
        "verdict": report.verdict(version),
        "bars": report.bars(version),
        "distributions": report.distributions(version),
        "exports": report.exports(version),
        "others": others.only("pk", "number", "dataset_id"),
    }


def version_live(request, pk):
    """The live part of a version's page; reloads the page when the check is over."""
    return live.respond(request, lambda: _live(request, find_version(request, pk)))


def _live(request, version: DatasetVersion) -> Live:
    states = list(IMPORT_STATES if "import" in version.options else STATES)
    if version.review == Review.WAITING:
        states.insert(-1, UploadState.REVIEW)
    context = {"version": version, "states": states}
    body = render_to_string("datasets/_version_live.html", context, request=request)
    url = reverse("dataset-version-live", args=[version.pk])
    return Live("version-live", url, body, version.job.is_active, reload=True)


def dataset_image(request, pk, name):
    """One image of a version, exactly as training gets it."""
    return pictures.serve(request, find_version(request, pk), stored_images.number_of(name))


def dataset_thumb(request, pk, number):
    """The thumbnail of an image; the image itself if it is small."""
    return pictures.serve(request, find_version(request, pk), number, small=True)


def version_export(request, pk, layout):
    """A version as a zip in a format of other tools, generated while it is sent."""
    version = find_version(request, pk)
    if not version.is_ready:
        raise Http404
    try:
        return contents.serve_export(request, version, layout)
    except (export.ExportError, StagingError) as error:
        messages.error(request, str(error))
        return redirect("dataset-version", pk=version.pk)


def version_diff(request, pk):
    """The differences from another version of the dataset, by default the parent, to this one."""
    version = find_version(request, pk)
    others = version.dataset.versions.live().ready().exclude(pk=version.pk)
    wanted = request.GET.get("against", "")
    before = others.filter(pk=whole_number(wanted)).first() if wanted.isdecimal() else version.parent
    if not version.is_ready or before is None or not before.is_ready:
        messages.info(request, _("There is no such version of this dataset to compare with."))
        return redirect("dataset-version", pk=version.pk)
    kind = request.GET.get("kind", "")
    after = request.GET.get("after", "")
    start = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else 0
    try:
        page = diffs.page(before, version, kind if kind in KINDS else None, start)
    except StagingError as error:
        messages.error(request, str(error))
        return redirect("dataset-version", pk=version.pk)
    context = {"version": version, "before": before, "others": others, "start": start, "next": page.next}
    context["changes"] = report.change_views(page)
    context |= {"kind": kind if kind in KINDS else "", "kinds": report.diff_kinds(page.counts)}
    return render(request, "datasets/diff.html", context)
