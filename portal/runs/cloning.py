"""Clones of a run: its choices, a plan made from them with changes, and what differs."""

from __future__ import annotations

from typing import Any

from portal.core import configs
from portal.runs import plan
from portal.runs.compare import Comparison, Row
from portal.runs.graph import Graph
from portal.runs.models import Run


def choices(run: Run) -> dict[str, Any]:
    """What makes the same run again: ``preset``, ``recipe`` and ``params`` without what these bring anyway.

    A recipe or preset that is no longer there brings nothing.
    """
    preset = run.preset if run.preset in configs.presets() else ""
    recipe = "" if preset and configs.presets()[preset].recipe == run.recipe else run.recipe
    known = preset and not recipe or recipe in configs.recipes()
    brought = plan.defaults("" if recipe else preset, recipe) if known else {}
    params = {key: value for key, value in run.params.items() if value != brought.get(key)}
    return {"preset": preset, "recipe": recipe, "params": params}


def make_plan(run: Run, changes: dict[str, Any]) -> plan.Plan:
    """The plan of a clone: the run's own choices, and ``changes`` in their place. Raises PlanError.

    ``params`` are changed one by one. With another preset or recipe, the run's own parameters stay only
    where they were chosen for it.
    """
    own = choices(run)
    if "preset" in changes:
        own["recipe"] = ""
    graph = Graph(run)
    wanted = {"name": run.name, "chips": graph.chips, "devices": graph.devices, **own, **changes}
    wanted["params"] = own["params"] | changes.get("params", {})
    return plan.make_plan(wanted.pop("dataset_version", run.dataset_version), **wanted)


def changed(run: Run) -> list[Row]:
    """What a clone was given otherwise than its origin; tools and content hashes left out."""
    if run.cloned_from is None:
        return []
    rows = Comparison([run.cloned_from, run]).differing
    return [row for row in rows if not row.name.startswith("tool.") and row.name != "dataset_sha256"]
