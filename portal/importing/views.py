"""Pages of model files: the list, an upload, and what one is."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.core import live
from portal.core.bodies import FORM_BYTES, takes
from portal.core.forms import StyledForm
from portal.core.live import Live
from portal.core.names import one_line
from portal.core.paging import page_of
from portal.datasets import upload_limits
from portal.datasets.refusals import UploadRefused
from portal.importing import services
from portal.jobs.models import IllegalTransition
from portal.models.model_files import ModelFile
from portal.teams.access import member_required
from portal.teams.quotas import QuotaReached
from workers.contract.messages import msg


def _a_model() -> int:
    return upload_limits.MOST_MODEL_BYTES + FORM_BYTES


class ModelFileForm(StyledForm):
    file = forms.FileField(
        allow_empty_file=True,
        label=_("Model"),
        help_text=_("An ONNX file, or a zip with one or with a Paddle inference model."),
        widget=forms.FileInput(attrs={"accept": ".onnx,.zip"}),
    )
    name = forms.CharField(
        required=False,
        max_length=120,
        label=_("Name"),
        help_text=_("Empty: the name of the file."),
        validators=[one_line],
    )


def _file(request, pk: int) -> ModelFile:
    rows = ModelFile.objects.for_team(request.team).select_related("job", "created_by")
    return get_object_or_404(rows, pk=pk)


def file_list(request):
    """Every uploaded model, newest first."""
    rows = ModelFile.objects.for_team(request.team).select_related("job", "created_by")
    return render(request, "importing/list.html", {"page": page_of(rows, request)})


@takes(_a_model)
@member_required
def file_new(request):
    """Upload a model."""
    form = ModelFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            upload = services.receive(request.team, request.user, data["file"])
            made = services.create(request.team, request.user, upload, data["name"])
            return redirect(made)
        except UploadRefused as refusal:
            form.add_errors({"file": str(refusal)})
        except QuotaReached as error:
            form.add_errors({"": str(error)})
    context = {"form": form, "most": upload_limits.MOST_MODEL_BYTES}
    return render(request, "importing/new.html", context, status=422 if form.errors else 200)


def file_detail(request, pk):
    """What a model is, and what each chip would make of it."""
    file = _file(request, pk)
    return render(request, "importing/detail.html", {"file": file, "live": _live(file, request)})


def file_live(request, pk):
    return live.respond(request, lambda: _live(_file(request, pk), request))


def _live(file: ModelFile, request) -> Live:
    context = {
        "file": file,
        "facts": file.facts if file.is_inspected else None,
        "runs": file.models.filter(deleted_at=None).count(),
    }
    body = render_to_string("importing/_live.html", context, request=request)
    return Live("model-file-live", reverse("model-file-live", args=[file.pk]), body, file.job.is_active)


@member_required
def file_delete(request, pk):
    """Ask for confirmation, then remove a file."""
    file = _file(request, pk)
    if request.method == "POST":
        try:
            services.delete(file, request.user)
            messages.success(request, msg("{name} is deleted.", name=file.name))
            return redirect("model-file-list")
        except IllegalTransition as error:
            messages.error(request, str(error))
            return redirect(file)
    context = {"file": file, "runs": file.models.filter(deleted_at=None).count()}
    return render(request, "importing/delete.html", context)
