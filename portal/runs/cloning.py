"""Clones of a run: its choices, a plan from them with changes, and the differences."""

from __future__ import annotations

from typing import Any

from portal.core import configs
from portal.runs import plan
from portal.runs.compare import Comparison, Row
from portal.runs.graph import Graph
from portal.runs.models import Run
from workers.contract.messages import msg

IMPORTED = msg("This run compiled an imported model: start another one from the page of its model file.")


def choices(run: Run) -> dict[str, Any]:
    """The choices that repeat the run: ``preset``, ``recipe`` and ``params``, without parameters that are
    defaults.

    A recipe or preset that no longer exists has no defaults.
    """
    preset = run.preset if run.preset in configs.presets() else ""
    recipe = "" if preset and configs.presets()[preset].recipe == run.recipe else run.recipe
    known = preset and not recipe or recipe in configs.recipes()
    brought = plan.defaults("" if recipe else preset, recipe, run.dataset_version) if known else {}
    params = {key: value for key, value in run.params.items() if value != brought.get(key)}
    return {"preset": preset, "recipe": recipe, "params": params}


def make_plan(run: Run, changes: dict[str, Any]) -> plan.Plan:
    """The plan of a clone: the run's own choices, overridden by ``changes``. Raises PlanError.

    ``params`` are overridden one by one. With another preset or recipe, only those parameters of the run stay
    that were chosen explicitly.
    """
    graph = Graph(run)
    if graph.is_imported:
        raise plan.PlanError({"recipe": IMPORTED})
    own = choices(run)
    if "preset" in changes:
        own["recipe"] = ""
    wanted = {"name": run.name, "chips": graph.chips, "devices": graph.devices, **own, **changes}
    wanted["params"] = own["params"] | changes.get("params", {})
    return plan.make_plan(wanted.pop("dataset_version", run.dataset_version), **wanted)


def changed(run: Run) -> list[Row]:
    """The differences between a clone and its origin, without tools and content hashes."""
    if run.cloned_from is None:
        return []
    rows = Comparison([run.cloned_from, run]).differing
    return [row for row in rows if not row.name.startswith("tool.") and row.name != "dataset_sha256"]
