"""Changes to models."""

from __future__ import annotations

from django.db import transaction

from portal.models.models import Model
from portal.teams import audit
from workers.contract.messages import msg
from workers.datakit.errors import InputError


@transaction.atomic
def set_score_threshold(model: Model, user, score: float | None) -> None:
    """Set the display threshold for the model's boxes, 0 to 1; None is the default. Raises InputError."""
    if not model.task_class.has_threshold:
        raise InputError(
            msg("A model for {task} has no score threshold: only detectors do.", task=model.task_class.title)
        )
    model.score_threshold = score
    model.save(update_fields=["score_threshold"])
    told = msg("the default") if score is None else f"{round(100 * score)} %"
    audit.record("model.threshold", model, actor=user, detail=told)
