"""A smaller recipe, trained as long as a pruned model in all, to compare the two: it may be as good."""

from __future__ import annotations

from typing import Any

from portal.core import configs
from portal.runs import cloning
from portal.runs.models import Run
from portal.runs.plan import Plan

# The smaller recipe learns the same images in the same way; only it trains longer.
KEPT = ("input_size", "batch_size", "learning_rate", "augmentation")
NAME_LENGTH = 120


def recipes(run: Run) -> dict[str, configs.Recipe]:
    """The recipes of a run's task that cost fewer cycles than its own, the largest of them first.

    Those whose cost nobody measured come last.
    """
    books = {name: recipe for name, recipe in configs.recipes().items() if recipe.task == run.task}
    cycles = {name: _cycles(recipe) for name, recipe in books.items()}
    own = cycles.get(run.recipe, 0)
    found = [name for name in books if name != run.recipe and cycles[name] < own]
    return {name: books[name] for name in sorted(found, key=cycles.get, reverse=True)}


def _cycles(recipe: configs.Recipe) -> int:
    """At the input size at which all recipes of a task were measured; 0 if it was not."""
    told = [measured.cycles or 0 for measured in recipe.chips.values()]
    built = [one for one in recipe.costs if one.chip in recipe.chips and one.input_size == recipe.input_size]
    return max([*told, *(one.cycles for one in built)], default=0)


def make_plan(run: Run, recipe: str, epochs: int) -> Plan:
    """The plan of a run that trains ``recipe`` for ``epochs`` more than the run. Raises PlanError."""
    title = configs.recipes()[recipe].title
    params: dict[str, Any] = {name: run.params[name] for name in KEPT}
    changes = {
        "name": f"{run.name} · {title}"[:NAME_LENGTH],
        "recipe": recipe,
        "devices": [],
        "params": params | {"epochs": run.params["epochs"] + epochs},
    }
    return cloning.make_plan(run, changes)
