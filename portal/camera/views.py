"""Pages that take images with the cameras of devices and browsers, and make dataset versions of them."""

from __future__ import annotations

from django.contrib import messages
from django.http import QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from portal.camera import capture, image_files, services
from portal.camera.forms import BeginForm, CaptureForm, CommitForm
from portal.camera.models import CaptureDraft
from portal.camera.refused import CaptureRefused
from portal.core.numbers import whole_number
from portal.core.paging import page_of
from portal.datasets.models import Dataset
from portal.devices.models import Device
from portal.teams.access import member_required, operator_required
from portal.teams.quotas import QuotaReached
from workers.datakit import tasks

REFUSED = (CaptureRefused, QuotaReached)


def _draft(request, pk) -> CaptureDraft:
    """A person's own draft."""
    rows = CaptureDraft.objects.for_team(request.team).filter(created_by=request.user)
    return get_object_or_404(rows, pk=pk)


def _device(request) -> Device | None:
    """The device that the address names, to be chosen on the page."""
    chosen = whole_number(request.GET.get("device", ""))
    return Device.objects.for_team(request.team).filter(pk=chosen).first() if chosen is not None else None


def _to_draft(request, draft: CaptureDraft):
    device = _device(request)
    query = QueryDict(mutable=True)
    query.update({"device": device.pk} if device else {})
    url = reverse("camera-draft", args=[draft.pk])
    return redirect(f"{url}?{query.urlencode()}" if query else url)


@member_required
def begin(request):
    """Choose the dataset that the images are for."""
    chosen = whole_number(request.GET.get("dataset", ""))
    dataset = Dataset.objects.for_team(request.team).live().filter(pk=chosen or 0).first()
    initial = {"dataset": dataset.name} if dataset else {}
    form = BeginForm(request.POST or None, team=request.team, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            data = form.cleaned_data
            return _to_draft(
                request, services.begin(request.team, request.user, data["dataset"], data["task"])
            )
        except CaptureRefused as refusal:
            form.add_errors({refusal.field: str(refusal)})
    drafts = services.open_drafts(request.user, request.team).with_counts()
    context = {"form": form, "drafts": drafts, "device": _device(request)}
    return render(request, "camera/begin.html", context, status=422 if form.errors else 200)


@member_required
def draft_detail(request, pk):
    """The images of a draft, and the camera that takes more."""
    draft = _draft(request, pk)
    has_classes = not tasks.get(draft.task).has_boxes
    base = services.newest_version(draft.team, draft.dataset_name)
    context = {
        "draft": draft,
        "has_classes": has_classes,
        "classes": services.class_choices(draft),
        "base": base,
        "page": page_of(draft.images.order_by("-id"), request, size=60),
        "total": draft.images.count(),
        "most": services.MOST_IMAGES,
        "devices": Device.objects.for_team(request.team).order_by("name"),
        "device": _device(request),
        "captures": draft.captures.select_related("job", "device")[:5],
        "capture_form": CaptureForm(
            team=request.team, has_classes=has_classes, initial={"device": _device(request)}
        ),
        "commit_form": CommitForm() if base is None else None,
        "can_reopen": services.can_reopen(draft),
    }
    return render(request, "camera/draft.html", context)


@member_required
def image(request, pk, number):
    """An image of a draft."""
    return image_files.serve(get_object_or_404(_draft(request, pk).images.all(), pk=number))


def _ids(request) -> list[int]:
    numbers = (whole_number(text) for text in request.POST.getlist("image")[: services.MOST_IMAGES])
    return [number for number in numbers if number is not None]


@require_POST
@member_required
def change(request, pk):
    """Give the chosen images a class, or remove them."""
    draft, ids = _draft(request, pk), _ids(request)
    try:
        if not ids:
            messages.error(request, _("Choose images first."))
        elif request.POST.get("act") == "remove":
            count = services.remove(draft, ids)
            text = ngettext("%(count)d image is removed.", "%(count)d images are removed.", count)
            messages.success(request, text % {"count": count})
        else:
            services.relabel(draft, ids, request.POST.get("class_name", "")[:1000])
    except CaptureRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("camera-draft", pk=pk)


@require_POST
@operator_required
def capture_start(request, pk):
    """Let a device take images by itself."""
    draft = _draft(request, pk)
    has_classes = not tasks.get(draft.task).has_boxes
    form = CaptureForm(request.POST, team=request.team, has_classes=has_classes)
    if not form.is_valid():
        for sentences in form.errors.values():
            messages.error(request, sentences[0])
        return redirect("camera-draft", pk=pk)
    data = form.cleaned_data
    order = capture.Order(data["count"], data["every_ms"], data["class_name"])
    try:
        made = capture.start(draft, request.user, data["device"], order)
    except REFUSED as refusal:
        messages.error(request, str(refusal))
        return redirect("camera-draft", pk=pk)
    return redirect("job-detail", pk=made.job_id)


@require_POST
@member_required
def commit(request, pk):
    """Make a version of the images."""
    draft, form = _draft(request, pk), CommitForm(request.POST)
    try:
        if form.is_valid():
            version = services.commit(draft, form.cleaned_data["classes"])
            return redirect("dataset-version", pk=version.pk)
        messages.error(request, form.errors["classes"][0])
    except REFUSED as refusal:
        messages.error(request, str(refusal))
    return redirect("camera-draft", pk=pk)


@require_POST
@member_required
def discard(request, pk):
    """Remove a draft with its images."""
    try:
        services.discard(_draft(request, pk))
    except CaptureRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("camera-draft", pk=pk)
    messages.success(request, _("The images are discarded."))
    return redirect("camera-begin")


@require_POST
@member_required
def reopen(request, pk):
    """Go on with images whose version was refused."""
    try:
        services.reopen(_draft(request, pk))
    except CaptureRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("camera-draft", pk=pk)
