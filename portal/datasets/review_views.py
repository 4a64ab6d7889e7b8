"""A person's response to how an upload was read: confirm, read again, discard."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.core.numbers import whole_number
from portal.datasets import reviews, version_views
from portal.datasets.models import DatasetVersion
from portal.datasets.reading_forms import LabellingForm, ReadingForm
from portal.datasets.refusals import NotInReview
from portal.datasets.version_views import find_version
from portal.teams.access import member_required
from portal.teams.quotas import QuotaReached


@require_POST
@member_required
def confirm(request, pk):
    """Confirm how it was read."""
    version = find_version(request, pk)
    try:
        reviews.confirm(version, request.user)
        messages.success(request, _("%(version)s is ready.") % {"version": version})
    except NotInReview as refusal:
        messages.error(request, str(refusal))
    return redirect("dataset-version", pk=pk)


@require_POST
@member_required
def reread(request, pk):
    """Read it with the form's options, as images to be labelled here, or with an alternative that the check
    found.
    """
    version = find_version(request, pk)
    if "alternative" in request.POST:
        return _reread(request, version, {"layout": None, "reading": _alternative(version, request.POST)})
    if "labelling" in request.POST:
        labelling = LabellingForm(request.POST)
        if not labelling.is_valid():
            return version_views.page(request, version, labelling=labelling)
        return _reread(request, version, labelling.changes(version))
    form = ReadingForm(request.POST, version=version)
    if not form.is_valid():
        return version_views.page(request, version, form)
    return _reread(request, version, form.changes())


def _alternative(version: DatasetVersion, posted) -> dict:
    """The options of an alternative reading, keeping the folders to ignore."""
    found = (version.reading or {}).get("alternatives", [])
    number = whole_number(posted["alternative"])
    if number is None or number >= len(found):
        raise Http404
    said = version.options.get(reviews.READING, {})
    ignored = {"ignore": said["ignore"]} if "ignore" in said else {}
    return {**ignored, **found[number]["options"], "as": found[number]["format"]}


def _reread(request, version: DatasetVersion, changes: dict):
    try:
        reviews.reread(version, request.user, changes)
    except (NotInReview, QuotaReached) as refusal:
        messages.error(request, str(refusal))
    return redirect("dataset-version", pk=version.pk)


@require_POST
@member_required
def discard(request, pk):
    """Remove the upload and the results of its check."""
    version = find_version(request, pk)
    words = {"name": version.upload_name}
    try:
        reviews.discard(version, request.user)
    except NotInReview as refusal:
        messages.error(request, str(refusal))
        return redirect("dataset-version", pk=pk)
    messages.success(request, _("The upload of %(name)s is discarded.") % words)
    return redirect("dataset-list")
