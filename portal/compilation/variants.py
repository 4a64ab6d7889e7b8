"""Variants of a model, compiled with different quantization settings: make, measure and choose them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from portal.compilation import services
from portal.compilation.quantization import FEW_CALIBRATED, Settings, SettingsError, check, key, whole
from portal.jobs import services as jobs
from portal.jobs.models import IllegalTransition, Priority, Status
from portal.models.models import CompiledModel, Evaluation, Model
from portal.tasks import Stage
from portal.teams import audit
from workers.contract.messages import msg


@dataclass(frozen=True)
class Variant:
    """A compiled model with its measurements; ``value`` and ``drop`` are None until measured."""

    compiled: CompiledModel
    value: float | None = None
    drop: float | None = None

    @property
    def settings(self) -> Settings:
        return whole(self.compiled.quantization)

    @property
    def is_measured(self) -> bool:
        return self.compiled.is_ready and self.drop is not None

    @property
    def is_proven(self) -> bool:
        """Layers in 16 bits are not verified on boards."""
        return not self.settings["int16_layers"]

    @property
    def is_thinly_calibrated(self) -> bool:
        """Few images set its scales: others may lose more than the measured ones do."""
        images = self.compiled.facts.get("calibration", {}).get("images")
        return self.compiled.is_quantized and images is not None and images < FEW_CALIBRATED

    @property
    def memory(self) -> int | None:
        """Bytes of weights and feature maps on the chip."""
        cost = self.compiled.cost
        return (cost.get("weight_bytes") or 0) + (cost.get("feature_bytes") or 0) or None


def variants_of(compiled) -> list[Variant]:
    """The variants in a query of compiled models, oldest first; runs two queries."""
    rows = list(compiled.select_related("job").order_by("pk"))
    measured = Evaluation.objects.filter(compiled_model__in=rows, stage=Stage.SIMULATOR).order_by("pk")
    known = {one.compiled_model_id: one for one in measured.only("compiled_model", "value", "parity")}
    return [_variant(row, known.get(row.pk)) for row in rows]


def _variant(row: CompiledModel, measured: Evaluation | None) -> Variant:
    return Variant(row, measured.value, measured.drop) if measured else Variant(row)


@transaction.atomic
def make(model: Model, user, *, chip: str, channel_order: str, settings: Settings) -> CompiledModel:
    """Compile a model again with other settings, for a person.

    Raises SettingsError, QuotaReached, and IllegalTransition if the model cannot be compiled, or was compiled
    with these settings before.
    """
    jobs.refuse_if_full(model.team)
    rows = targets(model).filter(chip=chip, channel_order=channel_order)
    settings = check(settings, chip)
    Model.objects.select_for_update().get(pk=model.pk)
    same = same_settings(rows, settings, model.dataset_version.train_images)
    if same is not None:
        raise IllegalTransition(
            msg("Compiled model {id} has these settings already: look there, or change one.", id=same.pk)
        )
    made = services.start(model, user, chip=chip, channel_order=channel_order, quantization=settings)
    audit.record("compiled-model.create", made, team=model.team, actor=user)
    return made


def targets(model: Model):
    """The compiled models of a model. Raises IllegalTransition if it cannot be compiled now."""
    if model.deleted_at is not None:
        raise IllegalTransition(msg("{model} was deleted: restore its run first.", model=model))
    if not model.is_ready:
        raise IllegalTransition(msg("{model} is not trained yet: wait for its end.", model=model))
    return CompiledModel.objects.filter(model=model)


def target_of(model: Model, chip: str, channel_order: str | None = None) -> dict:
    """The arguments for a target that the model was compiled for before.

    Raises SettingsError for any other target.
    """
    known = list(targets(model).values_list("chip", "channel_order").distinct().order_by("chip"))
    fitting = [order for name, order in known if name == chip and channel_order in (None, order)]
    if not fitting:
        chips = ", ".join(sorted({name for name, _order in known})) or "–"
        raise SettingsError(
            {"chip": msg("The model was compiled for {chips}: choose one of these.", chips=chips)}
        )
    return {"model": model, "chip": chip, "channel_order": fitting[0]}


def same_settings(rows, settings: Settings, train_images: int) -> CompiledModel | None:
    """The compiled model with equal settings, ignoring failed ones; None if there is none."""
    wanted = key(settings, train_images)
    kept = rows.exclude(job__status=Status.FAILED).order_by("pk")
    return next((row for row in kept if key(row.quantization, train_images) == wanted), None)


@transaction.atomic
def choose(compiled: CompiledModel, user) -> None:
    """Choose a variant for deployment to its chip. Raises IllegalTransition until it is ready."""
    Model.objects.select_for_update().get(pk=compiled.model_id)
    if not compiled.is_ready or compiled.model.deleted_at is not None:
        raise IllegalTransition(msg("{model} is not ready: wait for its end.", model=str(compiled)))
    rows = CompiledModel.objects.filter(
        model=compiled.model_id, chip=compiled.chip, channel_order=compiled.channel_order
    )
    if rows.filter(chosen=True).exclude(pk=compiled.pk).update(chosen=False) or not compiled.chosen:
        rows.filter(pk=compiled.pk).update(chosen=True)
        compiled.chosen = True
        audit.record("compiled-model.choose", compiled, team=compiled.model.team, actor=user)


def start(model: Model, user, target: tuple[str, str], settings: Settings, priority: int = Priority.NORMAL):
    """Queue one more variant without permission checks: for a search, which has been checked itself."""
    chip, order = target
    return services.start(
        model, user, chip=chip, channel_order=order, quantization=settings, priority=priority
    )
