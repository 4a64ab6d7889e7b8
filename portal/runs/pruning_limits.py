"""The smallest share of its cost that pruning can leave of a model, known before anything is trained."""

from __future__ import annotations

import math

from portal.core import configs
from portal.models.models import Model, Origin
from portal.training.methods import PRUNED, SHARES
from workers.contract.messages import Message, msg

CONTINUES = 50  # ancestors at most


def least_share(model: Model, unit: str) -> float | None:
    """As a fraction of the model's own cost; None if the recipe was not measured at this size.

    A model that is pruned already has less to lose.
    """
    book, size = configs.recipes().get(model.recipe), tuple(model.params.get("input_size", ()))
    rows = book.pruning if book else ()
    found = next((getattr(row, unit) for row in rows if row.input_size == size), None)
    return None if found is None else min(1.0, found / _kept(model, unit))


def _kept(model: Model | None, unit: str) -> float:
    """The fraction of the recipe's cost that earlier prunings left, as far as they counted in this unit."""
    kept = 1.0
    for _ in range(CONTINUES):
        if model is None:
            break
        method = PRUNED | (model.params.get("method") or {})
        if model.origin == Origin.PRUNED and method["unit"] == unit:
            kept *= method["share"]
        model = model.parent
    return kept


def percent(share: float) -> int:
    """The smallest whole percentage that is not below the share."""
    return math.ceil(100 * share - 1e-6)


def refusal(model: Model) -> Message | None:
    """Why the model cannot be pruned at all; None if it can, as far as is known."""
    book = configs.recipes().get(model.recipe)
    if book and book.unprunable:
        return msg(
            "{title} cannot be pruned, because its layers read channels in another order: train a smaller "
            "recipe instead.",
            title=book.title,
        )
    known = [share for unit in ("cycles", "macs") if (share := least_share(model, unit)) is not None]
    if known and min(known) > SHARES[1]:
        return msg(
            "Pruning cannot make this model smaller, because its layers are too narrow: at least {least} % "
            "of its cost remains. Train a smaller recipe instead.",
            least=percent(min(known)),
        )
    return None


def too_small(model: Model, share: float, unit: str) -> Message | None:
    """Why this share cannot be reached; None if it can, as far as is known."""
    least = least_share(model, unit)
    if least is None or percent(least) <= 100 * share + 1e-6:
        return None
    return msg(
        "Pruning leaves at least {least} % of this model's cost, because layers keep a multiple of what the "
        "NPU computes at once: choose {least} or more, or train a smaller recipe.",
        least=percent(least),
    )


def default_share(model: Model | None) -> int:
    """The share that the page proposes, in percent: possible in either unit."""
    known = [least_share(model, unit) or 0 for unit in ("cycles", "macs")] if model else []
    return min(percent(SHARES[1]), max(50, *map(percent, known))) if known else 50
