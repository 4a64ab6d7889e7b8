"""Receives the boxes drawn on the page of an image."""

from __future__ import annotations

import json

from django.http import Http404, HttpRequest, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from portal.core.messages import shown
from portal.datasets import drafts, drawing, indexes
from portal.datasets.refused_changes import BoxesDiffer, ChangeRefused
from portal.datasets.version_views import find_ready_version
from portal.teams.access import member_required
from workers.datakit.errors import StagingError


@require_GET
def draw(request, pk):
    """Redirect to the first unlabelled image, or to the first of all."""
    version = find_ready_version(request, pk)
    draft = drafts.open_draft(request.user, version.dataset)
    try:
        with indexes.opened(version) as index:
            here = draft if draft and draft.base_id == version.pk else None
            number = drawing.progress(index, here, 0).following or 1
    except StagingError as error:
        raise Http404(str(error)) from error
    return redirect("dataset-image-page", pk=version.pk, number=number)


@require_POST
@member_required
def image_boxes(request, pk, number):
    """Store all boxes of an image: a JSON object with ``boxes`` and ``expected``, see ``box_checks``.

    Returns the stored boxes; 409 with the current boxes if they were not the expected ones.
    """
    version = find_ready_version(request, pk)
    try:
        change = drawing.save(request.user, version, number, _body(request))
    except BoxesDiffer as refusal:
        return JsonResponse({"detail": str(refusal), "boxes": refusal.boxes}, status=409)
    except ChangeRefused as refusal:
        return JsonResponse({"detail": shown(refusal)}, status=422)
    return JsonResponse({"boxes": change.payload["boxes"]})


def _body(request: HttpRequest) -> dict:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ChangeRefused(_("The boxes arrived incomplete: try again."))
    return body
