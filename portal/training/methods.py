"""Methods that make a model from existing ones so that it fits a chip better."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.core import configs
from portal.core.files import fetch_artifact
from portal.datasets.staged_cache import staged
from portal.models.models import Model, Origin
from workers.contract import InputError
from workers.contract.messages import msg
from workers.datakit.tasks import CLASSIFICATION, DETECTION

WEIGHTS = "best_model.pdparams"
QAT, DISTILLATION, PRUNING, CONTINUATION = "qat", "distill", "prune", "continue"
SHARES = (0.1, 0.9)  # minimum and maximum fraction of the cycles that pruning keeps
IMPORTANCES = {"l1": _("Size of the weights (L1)"), "fpgm": _("Distance from the other channels (FPGM)")}
DELETED = msg("The model that this training starts from was deleted: restore its run.")


@dataclass(frozen=True)
class Method:
    """One method. ``tasks`` are the tasks it supports.

    ``epochs`` and ``rate`` are defaults: ``rate`` is a fraction of the original run's learning rate, and
    without ``epochs`` it trains as long as that run.
    """

    name: str
    origin: Origin
    title: str
    tasks: tuple[str, ...] = (CLASSIFICATION,)
    epochs: int | None = None
    rate: float = 1.0


METHODS = {
    method.name: method
    for method in (
        Method(QAT, Origin.QUANTIZATION_AWARE, _("Quantization-aware training"), epochs=5, rate=0.1),
        Method(DISTILLATION, Origin.DISTILLED, _("Distillation")),
        Method(PRUNING, Origin.PRUNED, _("Pruning"), rate=0.5),
        Method(
            CONTINUATION,
            Origin.CONTINUED,
            _("Further training"),
            tasks=(CLASSIFICATION, DETECTION),
            rate=0.5,
        ),
    )
}


def lineage(wanted: dict[str, Any]) -> dict[str, Any]:
    """The model fields for a method, which refers to models and a dataset version by id.

    For example ``{"name": "qat", "parent": 5}``, ``{"name": "continue", "parent": 5}``,
    ``{"name": "distill", "teacher": 5, "unlabelled": 7}`` or
    ``{"name": "prune", "parent": 5, "share": 0.5, "importance": "l1"}``.
    """
    if not wanted:
        return {}
    return {
        "origin": METHODS[wanted["name"]].origin,
        "parent_id": wanted.get("parent"),
        "teacher_id": wanted.get("teacher"),
        "unlabelled_id": wanted.get("unlabelled"),
    }


def inputs(model: Model, folder: Path) -> dict[str, str]:
    """The additional inputs of the train program for the model's method, by name.

    Raises InputError if a source model was deleted, StagingError if images are lost.
    """
    name = _name_of(model)
    if name in (QAT, PRUNING, CONTINUATION):
        return {"pretrained": _weights_of(model.parent, folder / "inputs" / "parent.pdparams")}
    if name == DISTILLATION:
        teacher = _weights_of(model.teacher, folder / "inputs" / "teacher.pdparams")
        return {"teacher": teacher, "unlabelled": str(staged(model.unlabelled))}
    return {}


def settings(model: Model) -> dict[str, Any] | None:
    """The method as the train program's parameter; None for plain training."""
    name = _name_of(model)
    if name == DISTILLATION:
        return {"name": name, "teacher": configs.recipes()[model.teacher.recipe].architecture}
    if name == PRUNING:
        return {key: model.params["method"][key] for key in ("name", "share", "importance")}
    # Further training is plain training that starts from the model's weights.
    return {"name": name} if name not in ("", CONTINUATION) else None


def _name_of(model: Model) -> str:
    return (model.params.get("method") or {}).get("name", "")


def _weights_of(model: Model | None, target: Path) -> str:
    if model is None or model.deleted_at is not None:
        raise InputError(DELETED)
    return str(fetch_artifact(model.job, WEIGHTS, target))
