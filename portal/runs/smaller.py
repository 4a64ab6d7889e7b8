"""A smaller recipe, trained as long as a pruned model in all, to compare the two: it may be as good."""

from __future__ import annotations

from typing import Any

from portal.core import configs
from portal.runs import cloning
from portal.runs.estimates import Estimates
from portal.runs.graph import Graph
from portal.runs.models import Run
from portal.runs.plan import Plan

# The smaller recipe learns the same images in the same way; only it trains longer.
KEPT = ("input_size", "batch_size", "learning_rate", "augmentation")
NAME_LENGTH = 120


def recipes(graph: Graph) -> dict[str, configs.Recipe]:
    """The recipes of a run's task that cost fewer cycles than its own on its chip and at its input size.

    The largest of them comes first; those whose cost nobody measured come last.
    """
    run, chip = graph.run, next(iter(graph.chips), None)
    if chip is None:
        return {}
    estimates, params = Estimates(chip), {"input_size": run.params["input_size"], "epochs": 1}
    books = {name: recipe for name, recipe in configs.recipes().items() if recipe.task == run.task}
    cycles = {name: estimates.of(name, params, None).cycles or 0 for name in books}
    own = cycles.get(run.recipe, 0)
    found = [name for name in books if name != run.recipe and cycles[name] < own]
    return {name: books[name] for name in sorted(found, key=cycles.get, reverse=True)}


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
