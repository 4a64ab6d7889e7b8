"""Selects a job's task. Each worker program has one class per task, in its folder ``tasks/``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from workers.contract import InputError
from workers.contract.messages import msg

# A specification without a task predates tasks: classification was the only one.
FIRST_TASK = "classification"
LONGEST_SHOWN = 60  # characters
T = TypeVar("T")


def task_of(spec: Mapping[str, Any], known: Mapping[str, T]) -> T:
    """Return the entry of ``known`` for the task named by ``params.task`` and the recipe.

    Raises InputError for a task unknown to this program, and if the two differ.
    """
    params = spec["params"]
    recipe = params.get("recipe")
    named = [params.get("task"), recipe.get("task") if isinstance(recipe, Mapping) else None]
    names = [name for name in named if name is not None] or [FIRST_TASK]
    for name in names:
        if not isinstance(name, str) or name not in known:
            raise InputError(
                msg(
                    "This worker does not know the task {name}, only {known}: choose a recipe for "
                    "one of these, or install the same release of portal and worker.",
                    name=repr(str(name)[:LONGEST_SHOWN]),
                    known=", ".join(known),
                )
            )
    if len(set(names)) > 1:
        raise InputError(
            msg(
                "The job asks for {asked} with a recipe for {given}: choose a recipe for {asked}.",
                asked=names[0],
                given=names[1],
            )
        )
    return known[names[0]]
