"""How a model can be made from one that is there, so that it fits a chip better."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.core.files import fetch_artifact
from portal.models.models import Model, Origin
from workers.contract import InputError
from workers.contract.messages import msg

WEIGHTS = "best_model.pdparams"
QAT = "qat"
DELETED = msg("The model that this training starts from was deleted: restore its run.")


@dataclass(frozen=True)
class Method:
    """``epochs`` and ``rate``, a share of the learning rate of the model's own training, are its defaults."""

    name: str
    origin: Origin
    title: str
    epochs: int
    rate: float


METHODS = {
    method.name: method
    for method in (Method(QAT, Origin.QUANTIZATION_AWARE, _("Quantization-aware training"), 5, 0.1),)
}


def lineage(wanted: dict[str, Any]) -> dict[str, Any]:
    """The fields of a model that is made by a method: ``{"name": "qat", "parent": 5}``."""
    if not wanted:
        return {}
    return {"origin": METHODS[wanted["name"]].origin, "parent_id": wanted.get("parent")}


def inputs(model: Model, folder: Path) -> dict[str, str]:
    """What the train program reads of the models that this one is made from, by the names of its inputs.

    Raises InputError when they were deleted.
    """
    if not model.params.get("method"):
        return {}
    return {"pretrained": str(_weights_of(model.parent, folder / "inputs" / "parent.pdparams"))}


def _weights_of(model: Model | None, target: Path) -> Path:
    if model is None or model.deleted_at is not None:
        raise InputError(DELETED)
    return fetch_artifact(model.job, WEIGHTS, target)
