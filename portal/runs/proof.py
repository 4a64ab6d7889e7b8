"""What was proven by building a recipe untrained: ``costs`` and ``refused`` in its file."""

from __future__ import annotations

from portal.core import configs
from portal.core.configs import Chip, Cost, Recipe
from workers.contract.messages import Message, msg


def obstacle(recipe: Recipe, chip: Chip, size) -> Message | None:
    """Why the recipe at this input size (width, height) cannot run on the chip; None if nothing is known
    against it.
    """
    size = tuple(size)
    for refusal in recipe.refused:
        if (refusal.chip, refusal.input_size) == (chip.name, size):
            return _cannot(
                recipe, chip, size, msg("the compiler refused it ({reason})", reason=refusal.reason)
            )
    found = next((one for one in recipe.costs if (one.chip, one.input_size) == (chip.name, size)), None)
    reason = _limit(found, chip) if found else None
    return _cannot(recipe, chip, size, reason) if reason else None


def _limit(cost: Cost, chip: Chip) -> Message | None:
    if chip.model_memory_mb and cost.memory_megabytes > chip.model_memory_mb:
        return msg(
            "it needs {megabytes} MB of memory, and a model may use {most} MB there",
            megabytes=f"{cost.memory_megabytes:.1f}",
            most=chip.model_memory_mb,
        )
    missing = [] if chip.cpu_operators is None else set(cost.cpu_operators) - set(chip.cpu_operators)
    if missing:
        operators = ", ".join(sorted(missing))
        return msg("the CPU there has no {operators}, which the NPU does not compute", operators=operators)
    return None


def _cannot(recipe: Recipe, chip: Chip, size: tuple, reason: Message) -> Message:
    return msg(
        "{recipe} at {width}x{height} pixels cannot run on {chip}: {reason}. Choose another input size or "
        "recipe; the page of costs shows what was built for the chip.",
        recipe=recipe.title,
        width=size[0],
        height=size[1],
        chip=chip.title,
        reason=reason,
    )


def against_targets(recipe: str, size, chips) -> Message | None:
    """The first obstacle on one of the chips, by their names."""
    book = configs.recipes()[recipe]
    found = (obstacle(book, configs.chips()[chip], size) for chip in chips)
    return next((one for one in found if one), None)
