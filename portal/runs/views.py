"""Pages of runs: the list, a new run, and the page of one, the heart of the portal."""

from __future__ import annotations

from dataclasses import asdict

from django.conf import settings
from django.contrib import messages
from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal import tasks
from portal.core import configs, live
from portal.core.bodies import an_archive, takes
from portal.core.messages import shown
from portal.core.numbers import whole_number
from portal.core.paging import page_of
from portal.datasets import upload_limits
from portal.datasets.models import DatasetVersion
from portal.datasets.services import create_version
from portal.devices.models import Device
from portal.jobs.models import IllegalTransition, Status
from portal.models.services import set_score_threshold
from portal.runs import cloning, deletion, experience, lineage, proof, services, suggestions
from portal.runs import plan as plans
from portal.runs.estimates import Estimates
from portal.runs.figures import figures_of
from portal.runs.forms import (
    INSISTED,
    LIMITS,
    NUMBERS,
    RunEditForm,
    RunForm,
    ThresholdForm,
    initial_from,
    usable_versions,
)
from portal.runs.graph import Graph
from portal.runs.input_fit import misfit
from portal.runs.mistakes import Mistakes
from portal.runs.models import Run, Tag
from portal.runs.page import RunPage
from portal.runs.report import report
from portal.teams.access import member_required, refuse_unless
from portal.teams.quotas import QuotaReached
from workers.contract.messages import msg
from workers.datakit.errors import InputError

DELETED = "deleted"  # besides the statuses, in the filter of the list
LOOKED_AT = 20  # newest versions to search for one that can be trained on
MORE = ("name", "recipe", "input_size", "augmentation", "pretrained", *INSISTED, *NUMBERS)


def _run(request, pk: int) -> Run:
    rows = Run.objects.for_team(request.team).select_related(
        "dataset_version__dataset", "dataset_version__job", "created_by", "cloned_from"
    )
    return get_object_or_404(rows, pk=pk)


def run_list(request):
    """Every run, newest first."""
    rows = Run.objects.for_team(request.team).for_lists()
    wanted = request.GET.get("status", "")
    rows = rows.exclude(deleted_at=None) if wanted == DELETED else rows.live()
    if wanted in Status.values:
        rows = rows.filter(status=wanted)
    page = page_of(rows, request)
    figures = figures_of(list(page))
    lines = [(run, figures[run.pk]) for run in page]
    metric = tasks.metric_title(run.task for run in page)
    choices = [*Status.choices, (DELETED, _("Deleted"))]
    context = {"page": page, "lines": lines, "metric": metric, "wanted": wanted, "choices": choices}
    return render(request, "runs/list.html", context)


def run_detail(request, pk):
    """Progress, accuracy and results of a run."""
    page = RunPage(_run(request, pk), request)
    charts = {chart.name: chart.as_data() for chart in page.graph.task.charts}
    context = {"live": page.live(), "charts": charts, "tags": page.run.tags.all(), **page.results()}
    context["changed"] = cloning.changed(page.run)
    context["method_title"] = page.graph.method_title if page.graph.method else ""
    context["before"] = lineage.before(page.run) if page.graph.method else []
    return render(request, "runs/detail.html", context)


def run_mistakes(request, pk):
    """The images that the model got wrong, or those of one cell of its confusion matrix."""
    run = _run(request, pk)
    mistakes = Mistakes(Graph(run), request.GET)
    return render(request, "runs/mistakes.html", {"run": run, "mistakes": mistakes})


def run_live(request, pk):
    """The live part of a run's page."""
    return live.respond(request, lambda: RunPage(_run(request, pk), request).live())


def run_report(request, pk):
    """``report.json``: accuracy at each stage, duration of each step, provenance."""
    run = _run(request, pk)
    response = JsonResponse(report(run), json_dumps_params={"indent": 1, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="run-{run.pk}-report.json"'
    return response


@takes(an_archive)
@member_required
def run_new(request):
    """Three choices and one button, with suggestions preselected."""
    versions, chosen = usable_versions(request.team), whole_number(request.GET.get("version", ""))
    if chosen is None:
        version = suggestions.newest_trainable(versions[:LOOKED_AT])
    else:
        version = versions.filter(pk=chosen).first()
    devices = Device.objects.for_team(request.team)
    estimates = Estimates(suggestions.usual_chip(devices))
    initial = {"preset": suggestions.fitting_preset(version, estimates), "dataset_version": version}
    if request.may_operate and (device := suggestions.only_device(devices)):
        initial["devices"] = [device.pk]
    return _form_page(request, initial)


@takes(an_archive)
@member_required
def run_clone(request, pk):
    """The form with another run's choices."""
    run = _run(request, pk)
    graph = Graph(run)
    if graph.is_imported:
        file = graph.model.file if graph.model else None
        if file is not None:
            return redirect(f"{reverse('run-import', args=[file.pk])}?run={run.pk}")
        messages.error(request, cloning.IMPORTED)
        return redirect("run-detail", pk=run.pk)
    return _form_page(request, initial_from(run), cloned_from=run)


def _form_page(request, initial: dict, cloned_from: Run | None = None):
    posted = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = RunForm(*posted, initial=initial, team=request.team, membership=request.membership)
    if form.is_bound and form.is_valid():
        plan = form.make_plan()
        try:
            if plan:
                return redirect("run-detail", pk=_create(request, form, plan, cloned_from).pk)
        except QuotaReached as error:
            form.add_errors({"": str(error)})
        except plans.PlanError as error:  # deleted meanwhile
            form.add_errors(error.fields)
    version, devices = form.chosen_version(), form.fields["devices"].queryset
    estimates = Estimates(suggestions.usual_chip(devices))
    context = {
        "form": form,
        "cloned_from": cloned_from,
        "removed": Graph(cloned_from).removed if cloned_from else [],
        "presets": {name: _describe(name, version, estimates) for name in suggestions.presets_for(version)},
        "chip": estimates.chip,
        "more_open": bool(cloned_from) or any(form[name].errors for name in MORE),
        "more": [form[name] for name in MORE],
        "limits": [form[name] for name in LIMITS],
        "earlier": experience.of_presets(request.team, version),
        "upload_chunk": settings.UPLOAD_PIECE_BYTES,
        "upload_max": upload_limits.most_bytes(request.team),
        "chosen": {
            name: [str(value) for value in _as_list(form[name].value())]
            for name in ("preset", "chips", "devices")
        },
        "chip_books": configs.chips(),
    }
    return render(request, "runs/new.html", context, status=422 if form.errors else 200)


def _as_list(value) -> list:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _describe(preset: str, version: DatasetVersion | None, estimates: Estimates) -> dict:
    """A preset with all its parameters, for its card and as the fields' placeholders.

    ``misfit`` is set if the images of the chosen version are much larger or smaller than its input,
    ``fitted`` if the version changed the preset's settings, ``obstacle`` if it is proven not to run on the
    chip of the estimates.
    """
    book = configs.presets()[preset]
    defaults, sizes = plans.defaults(preset, version=version), configs.recipes()[book.recipe].input_sizes
    return {
        "obstacle": proof.against_targets(book.recipe, defaults["input_size"], [estimates.chip]),
        "misfit": misfit(version, defaults["input_size"], sizes) if version is not None else None,
        "fitted": defaults != plans.defaults(preset),
        "title": book.title,
        "summary": book.summary,
        "recipe": book.recipe,
        "recipe_title": shown(configs.recipes()[book.recipe].title),
        "augmentation_title": shown(configs.augmentations()[defaults["augmentation"]].title),
        "estimate": asdict(estimates.of(book.recipe, defaults, version)),
        **defaults,
    }


def _create(request, form: RunForm, plan: plans.Plan, cloned_from: Run | None) -> Run:
    data = form.cleaned_data
    if data["upload"]:
        plan.version = create_version(request.team, request.user, data["upload_name"], data["upload"])
    return services.create_run(plan, request.team, request.user, cloned_from)


def _run_to_change(request, pk) -> Run:
    """The run, for stopping or repeating it: with devices, that affects boards and needs an operator."""
    run = _run(request, pk)
    refuse_unless(request, services.role_of(run))
    return run


@require_POST
def run_cancel(request, pk):
    """Stop every step of a run."""
    run = _run_to_change(request, pk)
    services.cancel_run(run, request.user)
    return redirect("run-detail", pk=run.pk)


@require_POST
def run_retry(request, pk):
    """Retry failed steps; succeeded ones are kept."""
    run = _run_to_change(request, pk)
    try:
        services.retry_run(run, request.user)
    except (IllegalTransition, QuotaReached) as error:
        messages.error(request, str(error))
    return redirect("run-detail", pk=run.pk)


def run_delete(request, pk):
    """Ask for confirmation, then delete a run; explains why it cannot be deleted."""
    run = _run_to_change(request, pk)
    if request.method == "POST":
        try:
            deletion.delete(run, request.user)
            messages.success(request, msg("{run} is deleted.", run=run))
            return redirect("run-list")
        except IllegalTransition as error:
            messages.error(request, str(error))
            return redirect("run-detail", pk=run.pk)
    context = {"run": run, "refusal": deletion.refusal(run), "days": settings.DATASET_KEPT_DAYS}
    return render(request, "runs/delete.html", context)


@require_POST
def run_restore(request, pk):
    """Restore a deleted run."""
    run = _run_to_change(request, pk)
    deletion.restore(run, request.user)
    return redirect("run-detail", pk=run.pk)


@require_POST
@member_required
def run_threshold(request, pk):
    """Set the display threshold of the run's model; an empty field is the default."""
    run = _run(request, pk)
    model = Graph(run).model
    form = ThresholdForm(request.POST)
    if model is None:
        raise Http404
    if form.is_valid():
        percent = form.cleaned_data["percent"]
        try:
            set_score_threshold(model, request.user, None if percent is None else percent / 100)
        except InputError as error:
            messages.error(request, str(error))
    else:
        messages.error(request, _("Give a score from 0 to 100 %, or leave it empty."))
    return redirect(run.get_absolute_url() + "#classes")


@member_required
def run_edit(request, pk):
    """Rename a run, edit its tags and notes."""
    run = _run(request, pk)
    initial = {"name": run.name, "notes": run.notes, "tags": ", ".join(tag.name for tag in run.tags.all())}
    form = RunEditForm(request.POST or None, initial=initial)
    if form.is_bound and form.is_valid():
        data = form.cleaned_data
        services.edit_run(run, request.user, data["name"], data["notes"], data["tags"])
        return redirect("run-detail", pk=run.pk)
    known = Tag.objects.for_team(request.team)[:200]
    context = {"run": run, "form": form, "known": known}
    return render(request, "runs/edit.html", context, status=422 if form.errors else 200)
