"""The quantization search: what to try next, and when to stop.

It tries cheap settings first and stops at the first variant that meets the limit. Its whole state is in the
variants' rows: ``advance`` may be called at any time and repeatedly, also after a worker's death, and never
compiles the same settings twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from portal.compilation import layer_errors, variants
from portal.compilation.models import LayerErrors, QuantizationSearch
from portal.compilation.quantization import FLOAT, Settings, key, whole
from portal.compilation.variants import Variant
from portal.core import configs
from portal.jobs import services as jobs
from portal.jobs.models import ACTIVE, Job, Priority, Status
from portal.models.models import CompiledModel, Model
from portal.notify import services as notify
from portal.teams import audit
from workers.contract.messages import Message, join, msg, msg_n

KIND = "quantize"
MORE_IMAGES, IMAGES_AT_MOST = 3, 500  # times the usual number of calibration images, and the maximum
MMSE_IMAGES = 50  # more take minutes
WIDENED = (1, 3, 6)  # the number of worst layers in 16 bits, one try each


@transaction.atomic
def start(
    model: Model, user, *, chip: str, channel_order: str, allowed_drop: float, priority: int = Priority.NORMAL
) -> QuantizationSearch:
    """Queue a search. Raises QuotaReached, IllegalTransition if the model cannot be compiled now."""
    jobs.refuse_if_full(model.team)
    variants.targets(model)
    search = QuantizationSearch.objects.create(
        model=model,
        chip=chip,
        channel_order=channel_order,
        allowed_drop=allowed_drop,
        job=jobs.submit(KIND, model.team, user, priority=priority, variant=model.recipe),
    )
    audit.record("quantization.search", search, team=model.team, actor=user)
    advance(search)
    return search


@dataclass(frozen=True)
class Tried:
    """The known facts about a search's variants, from which it decides what to do next."""

    search: QuantizationSearch
    variants: list[Variant]
    errors: list[LayerErrors]  # of these variants, newest last
    own: frozenset[int]  # the compiled models that this search started

    @property
    def settled(self) -> list[Variant]:
        """The variants whose settings are not tried again.

        What was cancelled or failed before this search, or beside it, says nothing about these settings.
        """
        return [one for one in self.variants if one.compiled.is_ready or one.compiled.pk in self.own]

    def errors_of(self, variant: Variant) -> LayerErrors | None:
        """The measured layer errors of a variant, else this search's own attempt to measure them."""
        rows = [one for one in reversed(self.errors) if one.compiled_model_id == variant.compiled.pk]
        measured = [one for one in rows if one.job.status == Status.SUCCEEDED]
        own = [one for one in rows if one.search_id == self.search.pk]
        return next(iter(measured + own), None)

    @property
    def is_waiting(self) -> bool:
        jobs_of = [one.compiled.job for one in self.variants] + [one.job for one in self.errors]
        return any(job.is_active for job in jobs_of)

    @property
    def measured(self) -> list[Variant]:
        return [one for one in self.variants if one.is_measured]

    @property
    def holding(self) -> list[Variant]:
        # Fractions of few images are inexact: an allowed 0.01 must pass.
        return [one for one in self.measured if one.drop <= self.search.allowed_drop + 1e-9]

    def best(self, method: str | None = None) -> Variant | None:
        """The smallest drop of the variants that are entirely int8; of one method, if given."""
        fitting = [
            one
            for one in self.measured
            if one.is_proven and one.settings["dtype"] is None and method in (None, one.settings["method"])
        ]
        return min(fitting, key=lambda one: one.drop, default=None)

    def found(self) -> Variant | None:
        """The cheapest variant that meets the limit, else the one nearest to it; verified ones first."""
        if self.holding:
            return min(self.holding, key=lambda one: (not one.is_proven, _cycles(one), one.drop))
        return min(self.measured, key=lambda one: (not one.is_proven, one.drop), default=None)


def _cycles(variant: Variant) -> float:
    return variant.compiled.cost.get("cycles", math.inf)


def tried(search: QuantizationSearch) -> Tried:
    found = variants.variants_of(search.variants)
    errors = LayerErrors.objects.filter(compiled_model__in=[one.compiled for one in found])
    own = frozenset(search.started.values_list("pk", flat=True))
    return Tried(search, found, list(errors.select_related("job").order_by("pk")), own)


def advance(search: QuantizationSearch) -> None:
    """Start the next step, or decide. Does nothing while a step is running, and after the end."""
    with transaction.atomic():
        # A search of the same model, or a person, must not start the same settings meanwhile.
        Model.objects.select_for_update().get(pk=search.model_id)
        search = (
            QuantizationSearch.objects.select_for_update().select_related("model", "job").get(pk=search.pk)
        )
        if search.decided or search.job.status != Status.QUEUED:
            return
        now = tried(search)
        if now.is_waiting or (not now.holding and _start_next(now)):
            return
        search.decided = True
        search.save(update_fields=["decided"])
        jobs.enqueue(search.job)


def _start_next(now: Tried) -> bool:
    """Start the first untried step; False if nothing is left."""
    search, images = now.search, now.search.model.dataset_version.train_images
    known = {key(one.settings, images) for one in now.settled}
    for settings in _ladder(now):
        if key(settings, images) not in known:
            target = search.chip, search.channel_order
            user, priority = search.job.created_by, search.job.priority
            search.started.add(variants.start(search.model, user, target, settings, priority))
            return True
    return not _has_float(search) and _measure_layers(now)


def _ladder(now: Tried) -> Iterator[Settings]:
    """The steps that are possible now, cheapest first."""
    params = now.search.model.params
    usual = whole({name: params[name] for name in ("calibration_images", "seed") if name in params})
    yield usual
    yield usual | {"choice": "farthest"}
    yield usual | {"calibration_images": min(MORE_IMAGES * usual["calibration_images"], IMAGES_AT_MOST)}
    yield usual | {"algorithm": "kl_divergence"}
    yield usual | {
        "algorithm": "mmse",
        "calibration_images": min(MMSE_IMAGES, usual["calibration_images"]),
    }
    best = now.best("channel")
    if best is not None:
        yield best.settings | {"method": "layer"}
    if _has_float(now.search):
        yield FLOAT
        return
    yield from _with_wide_layers(now)


def _has_float(search: QuantizationSearch) -> bool:
    return not configs.chips()[search.chip].int8_only


def _with_wide_layers(now: Tried) -> Iterator[Settings]:
    """The best int8 variant with its worst layers in 16 bits, once the layer errors are measured."""
    best = now.best()
    errors = best and now.errors_of(best)
    if not errors or errors.job.status != Status.SUCCEEDED:
        return
    worst = layer_errors.worst(errors.layers)
    for count in WIDENED:
        if worst[:count]:
            yield best.settings | {"int16_layers": worst[:count]}


def _measure_layers(now: Tried) -> bool:
    """Request the layer errors of the best variant; False if they are known, or unavailable."""
    best = now.best()
    if best is None or now.errors_of(best) is not None:
        return False
    job = now.search.job
    layer_errors.start(best.compiled, job.created_by, search=now.search, priority=job.priority)
    return True


def perform(job: Job, context) -> dict:
    """Choose the variant that holds the limit. If none does, name the nearest and change nothing."""
    search = job.quantization_search
    now = tried(search)
    found, met = now.found(), bool(now.holding)
    if met:
        variants.choose(found.compiled, job.created_by)
    number = found.compiled.pk if found else None
    return {"met": met, "found": number, "outcome": _outcome(now, found, met)}


def complete(job: Job, result: dict) -> None:
    found = {"met": result["met"], "outcome": result["outcome"], "found": result["found"]}
    QuantizationSearch.objects.filter(job=job).update(**found)
    search = QuantizationSearch.objects.select_related("model").get(job=job)
    notify.emit("quantization.finished", search.model.team, search)


def _outcome(now: Tried, best: Variant | None, met: bool) -> Message:
    if best is None:
        return msg("No variant could be measured: see why their conversions failed.")
    places = {
        "drop": points(best.drop),
        "allowed": points(now.search.allowed_drop),
        "id": best.compiled.pk,
    }
    if met:
        holds = (
            msg("Compiled model {id} holds the limit: it loses {drop} of {allowed} points.", **places)
            if best.drop > 0
            else msg("Compiled model {id} holds the limit: it loses nothing.", id=best.compiled.pk)
        )
        found = [
            holds,
            msg_n("{count} variant was measured.", "{count} variants were measured.", len(now.measured)),
        ]
        return join([*found, *_not_proven(best)])
    nearest = msg(
        "No variant holds the limit of {allowed} points. Compiled model {id} comes nearest: it loses {drop}.",
        **places,
    )
    cure = msg(
        "Nothing was changed: choose it if that is good enough. Quantization-aware training may win the rest "
        "back; a larger recipe or input may as well."
    )
    return join([nearest, *_not_proven(best), cure])


def _not_proven(chosen: Variant) -> list[Message]:
    if chosen.is_proven:
        return []
    return [msg("Its layers in 16 bits are not proven on boards: measure it on one first.")]


def points(share: float) -> str:
    """Of the metric, in words."""
    return f"{100 * share:.2f}"


def after(job: Job) -> None:
    """A stopped search stops the jobs that it started."""
    if job.status not in (Status.CANCELLED, Status.FAILED):
        return
    search = job.quantization_search
    for rows in (search.started, search.measured):
        for row in rows.filter(job__status__in=ACTIVE).select_related("job"):
            jobs.cancel(row.job, by=str(job))


def replace(old: Job, new: Job) -> None:
    """A retried search continues where it stopped: jobs that were stopped with it are repeated."""
    fresh = {"decided": False, "met": None, "outcome": "", "found": None}
    QuantizationSearch.objects.filter(job=old).update(job=new, **fresh)
    search = QuantizationSearch.objects.get(job=new)
    for rows in (search.started, search.measured):
        for row in rows.filter(job__status=Status.CANCELLED).select_related("job"):
            jobs.retry(row.job, created_by=new.created_by)
    transaction.on_commit(lambda: advance(search))


def claim(job: Job) -> bool:
    return job.quantization_search.decided


def held_up(ids: set[int]) -> set[int]:
    waiting = QuantizationSearch.objects.filter(job__in=ids, decided=False)
    return set(waiting.values_list("job_id", flat=True))


def after_any(job: Job) -> None:
    """After a conversion or a layer measurement, advance the searches of its model."""
    made = CompiledModel.objects.filter(job=job) | CompiledModel.objects.filter(layer_errors__job=job)
    for one in made.distinct():
        waiting = QuantizationSearch.objects.filter(
            model=one.model_id, chip=one.chip, channel_order=one.channel_order, decided=False
        )
        for search in waiting:
            advance(search)


def sweep() -> None:
    """Advance every waiting search, in case a process died before it could."""
    for search in QuantizationSearch.objects.filter(decided=False, job__status=Status.QUEUED):
        advance(search)
