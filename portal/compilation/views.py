"""Pages of a model's variants and of one compiled model: its cost, and where it loses accuracy."""

from __future__ import annotations

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from portal.compilation import layer_errors, pages, quantization, search, variants
from portal.compilation.forms import SearchForm, TargetForm, VariantForm, WideForm
from portal.compilation.quantization import SettingsError
from portal.core import live
from portal.core.messages import shown
from portal.jobs.models import IllegalTransition
from portal.models import costs
from portal.models import pages as model_pages
from portal.models.models import CompiledModel, Model
from portal.teams.access import member_required
from portal.teams.quotas import QuotaReached
from workers.contract.messages import msg


def _model(request, pk: int) -> Model:
    rows = Model.objects.for_team(request.team).live()
    return get_object_or_404(rows.select_related("dataset_version__dataset", "job"), pk=pk)


def _compiled(request, pk: int) -> CompiledModel:
    rows = CompiledModel.objects.for_team(request.team).live()
    return get_object_or_404(rows.select_related("model__dataset_version__dataset", "job"), pk=pk)


def variant_list(request, pk):
    """The variants of a model side by side, with their costs, and the forms for more."""
    return _variants(request, _model(request, pk))


def _variants(request, model: Model, **bound: TargetForm):
    compiled = CompiledModel.objects.filter(model=model)
    forms = {
        "variant": bound.get("variant") or VariantForm(compiled=compiled, auto_id="variant_%s"),
        "search": bound.get("search") or SearchForm(compiled=compiled, auto_id="search_%s"),
    }
    context = {
        "model": model,
        "page": model_pages.of([model])[model.pk],
        "live": pages.variants_live(model, request),
        "forms": forms,
        "can_compile": model.is_ready and compiled.exists(),
    }
    return render(request, "compilation/variants.html", context, status=422 if bound else 200)


def variant_list_live(request, pk):
    return live.respond(request, lambda: pages.variants_live(_model(request, pk), request))


@require_POST
@member_required
def variant_new(request, pk):
    """Compile the model again with other settings."""
    model = _model(request, pk)
    form = VariantForm(request.POST, compiled=CompiledModel.objects.filter(model=model), auto_id="variant_%s")
    if form.is_valid():
        chip, order = form.chosen_target
        try:
            variants.make(model, request.user, chip=chip, channel_order=order, settings=form.settings)
            return redirect("model-variants", pk=pk)
        except SettingsError as error:
            form.add_errors(error.fields)
        except (IllegalTransition, QuotaReached) as error:
            form.add_errors({"": str(error)})
    return _variants(request, model, variant=form)


@require_POST
@member_required
def search_new(request, pk):
    """Search for a quantization that meets a limit."""
    model = _model(request, pk)
    form = SearchForm(request.POST, compiled=CompiledModel.objects.filter(model=model), auto_id="search_%s")
    if form.is_valid():
        chip, order = form.chosen_target
        target = {"chip": chip, "channel_order": order}
        try:
            search.start(model, request.user, **target, allowed_drop=form.allowed_drop)
            return redirect("model-variants", pk=pk)
        except (IllegalTransition, QuotaReached) as error:
            form.add_errors({"": str(error)})
    return _variants(request, model, search=form)


def compiled_detail(request, pk):
    """The cost of a compiled model on its chip, layer by layer, and where it loses accuracy."""
    compiled = _compiled(request, pk)
    sheet = costs.sheet(compiled)
    (variant,) = variants.variants_of(CompiledModel.objects.filter(pk=compiled.pk))
    context = {
        "compiled": compiled,
        "variant": variant,
        "words": shown(quantization.words(compiled.quantization)),
        "page": model_pages.of([compiled.model])[compiled.model_id],
        "metric": compiled.model.task_class.metric_title,
        "sheet": sheet,
        "layer_rows": costs.rows(sheet.layers) if sheet else [],
        "live": pages.compiled_live(compiled, request),
    }
    return render(request, "compilation/compiled.html", context)


def compiled_live(request, pk):
    return live.respond(request, lambda: pages.compiled_live(_compiled(request, pk), request))


@require_POST
@member_required
def compiled_choose(request, pk):
    """Choose this variant for deployment to its chip."""
    compiled = _compiled(request, pk)
    try:
        variants.choose(compiled, request.user)
        messages.success(request, msg("This variant is deployed for its chip from now on."))
    except IllegalTransition as error:
        messages.error(request, str(error))
    return redirect("model-variants", pk=compiled.model_id)


@require_POST
@member_required
def layers_measure(request, pk):
    """Measure the error of each layer; with ``layers``, compile these in 16 bits."""
    compiled = _compiled(request, pk)
    try:
        if "layers" in request.POST:
            return _widen(request, compiled)
        layer_errors.measure(compiled, request.user)
    except (IllegalTransition, QuotaReached, SettingsError) as error:
        messages.error(request, str(error))
    return redirect("model-compiled", pk=pk)


def _widen(request, compiled: CompiledModel):
    newest = compiled.layer_errors.exclude(layers=[]).first()
    names = [layer["name"] for layer in newest.layers] if newest else []
    form = WideForm(request.POST, names=names)
    if not form.is_valid():
        raise IllegalTransition(msg("Choose layers of the table."))
    variants.make(
        compiled.model,
        request.user,
        chip=compiled.chip,
        channel_order=compiled.channel_order,
        settings=compiled.quantization | {"int16_layers": form.cleaned_data["layers"]},
    )
    return redirect("model-variants", pk=compiled.model_id)
