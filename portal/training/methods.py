"""Methods that make a model from existing ones so that it fits a chip better."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from portal import tasks
from portal.core import configs
from portal.core.files import fetch_artifact
from portal.datasets.staged_cache import staged
from portal.models.models import Model, Origin
from portal.training import pretrained
from workers.contract import InputError
from workers.contract.messages import msg
from workers.datakit.tasks import CLASSIFICATION, DETECTION

WEIGHTS = "best_model.pdparams"
QAT, DISTILLATION, PRUNING, CONTINUATION = "qat", "distill", "prune", "continue"
SHARES = (0.1, 0.9)  # minimum and maximum fraction of the cost that pruning keeps
UNITS = {"cycles": _("NPU cycles"), "macs": _("Multiply-accumulates (MACs)")}
IMPORTANCES = {
    "taylor": _("Effect on the loss (Taylor)"),
    "l1": _("Size of the weights (L1)"),
    "fpgm": _("Distance from the other channels (FPGM)"),
}
# What pruned models of earlier releases were not asked.
PRUNED = {"unit": "cycles"}
DELETED = msg("The model that this training starts from was deleted: restore its run.")


@dataclass(frozen=True)
class Method:
    """One method. ``tasks`` are the tasks it supports, ``gains`` those for which a bench measured a gain.

    ``epochs`` and ``rate`` are defaults: ``rate`` is a fraction of the original run's learning rate, and
    without ``epochs`` it trains as long as that run.
    """

    name: str
    origin: Origin
    title: str
    tasks: tuple[str, ...]
    epochs: int | None = None
    rate: float = 1.0
    gains: tuple[str, ...] = (CLASSIFICATION,)


BOTH = (CLASSIFICATION, DETECTION)
METHODS = {
    method.name: method
    for method in (
        Method(QAT, Origin.QUANTIZATION_AWARE, _("Quantization-aware training"), BOTH, epochs=5, rate=0.1),
        Method(DISTILLATION, Origin.DISTILLED, _("Distillation"), BOTH),
        Method(PRUNING, Origin.PRUNED, _("Pruning"), BOTH, rate=0.5),
        Method(CONTINUATION, Origin.CONTINUED, _("Further training"), BOTH, rate=0.5, gains=BOTH),
    )
}


def lineage(wanted: dict[str, Any]) -> dict[str, Any]:
    """The model fields for a method, which refers to models and a dataset version by id.

    For example ``{"name": "qat", "parent": 5}``, ``{"name": "continue", "parent": 5}``,
    ``{"name": "distill", "teacher": 5, "unlabelled": 7}``, with ``"teacher_recipe": "pp_lcnet_x1_0"`` for
    ``teacher`` if that is trained first, or
    ``{"name": "prune", "parent": 5, "share": 0.5, "unit": "cycles", "importance": "taylor"}``.
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
        return {"pretrained": _taken(model.parent, WEIGHTS, folder / "inputs" / "parent.pdparams")}
    if name == DISTILLATION and (recipe := model.params["method"].get("teacher_recipe")):
        weights = pretrained.required(configs.recipes()[recipe])
        return {"teacher": str(weights), "unlabelled": str(staged(model.unlabelled))}
    if name == DISTILLATION:
        artifact = tasks.get(model.task).teaching
        teacher = _taken(model.teacher, artifact, folder / "inputs" / f"teacher{Path(artifact).suffix}")
        return {"teacher": teacher, "unlabelled": str(staged(model.unlabelled))}
    return {}


def settings(model: Model) -> dict[str, Any] | None:
    """The method as the train program's parameter; None for plain training."""
    name = _name_of(model)
    if name == DISTILLATION:
        recipe = model.params["method"].get("teacher_recipe")
        teacher = (
            {"recipe": configs.as_dict(configs.recipes()[recipe])} if recipe else _teaching(model.teacher)
        )
        return {"name": name, "teacher": teacher}
    if name == PRUNING:
        method = PRUNED | model.params["method"]
        return {key: method[key] for key in ("name", "share", "unit", "importance")}
    # Further training is plain training from the model's weights, whose network may be a pruned one.
    if name == CONTINUATION and not _was_pruned(model):
        return None
    return {"name": name} if name else None


def _was_pruned(model: Model | None) -> bool:
    while model is not None:
        if model.origin == Origin.PRUNED:
            return True
        model = model.parent
    return False


def _teaching(teacher: Model) -> dict[str, Any]:
    """What the train program must know about a teacher."""
    recipe = configs.as_dict(configs.recipes()[teacher.recipe])
    facts = {key: recipe[key] for key in ("architecture", "mean", "std")}
    return {**facts, "input_size": teacher.params["input_size"]}


def _name_of(model: Model) -> str:
    return (model.params.get("method") or {}).get("name", "")


def _taken(model: Model | None, artifact: str, target: Path) -> str:
    if model is None or model.deleted_at is not None:
        raise InputError(DELETED)
    return str(fetch_artifact(model.job, artifact, target))
