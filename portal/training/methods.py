"""How a model can be made with the help of models that are there, so that it fits a chip better."""

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
from workers.datakit.tasks import CLASSIFICATION

WEIGHTS = "best_model.pdparams"
QAT, DISTILLATION, PRUNING = "qat", "distill", "prune"
SHARES = (0.1, 0.9)  # of its cycles that pruning may leave
IMPORTANCES = {"l1": _("Size of the weights (L1)"), "fpgm": _("Distance from the other channels (FPGM)")}
DELETED = msg("The model that this training starts from was deleted: restore its run.")


@dataclass(frozen=True)
class Method:
    """``tasks``: those whose models can be made so. ``epochs`` and ``rate``, a share of the learning rate of
    the run that is improved, are its defaults; without epochs it trains as long as that run."""

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
    )
}


def lineage(wanted: dict[str, Any]) -> dict[str, Any]:
    """The fields of a model that is made by a method, which names ids of models and of a dataset version:
    ``{"name": "qat", "parent": 5}``, ``{"name": "distill", "teacher": 5, "unlabelled": 7}`` or
    ``{"name": "prune", "parent": 5, "share": 0.5, "importance": "l1"}``."""
    if not wanted:
        return {}
    return {
        "origin": METHODS[wanted["name"]].origin,
        "parent_id": wanted.get("parent"),
        "teacher_id": wanted.get("teacher"),
        "unlabelled_id": wanted.get("unlabelled"),
    }


def inputs(model: Model, folder: Path) -> dict[str, str]:
    """What the train program reads for the model's method, by the names of its inputs.

    Raises InputError when the models it is made of were deleted, StagingError when images are lost.
    """
    name = _name_of(model)
    if name in (QAT, PRUNING):
        return {"pretrained": _weights_of(model.parent, folder / "inputs" / "parent.pdparams")}
    if name == DISTILLATION:
        teacher = _weights_of(model.teacher, folder / "inputs" / "teacher.pdparams")
        return {"teacher": teacher, "unlabelled": str(staged(model.unlabelled))}
    return {}


def settings(model: Model) -> dict[str, Any] | None:
    """The method as the train program is told it; None for plain training."""
    name = _name_of(model)
    if name == DISTILLATION:
        return {"name": name, "teacher": configs.recipes()[model.teacher.recipe].architecture}
    if name == PRUNING:
        return {key: model.params["method"][key] for key in ("name", "share", "importance")}
    return {"name": name} if name else None


def _name_of(model: Model) -> str:
    return (model.params.get("method") or {}).get("name", "")


def _weights_of(model: Model | None, target: Path) -> str:
    if model is None or model.deleted_at is not None:
        raise InputError(DELETED)
    return str(fetch_artifact(model.job, WEIGHTS, target))
