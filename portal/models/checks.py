"""The system check that every recipe trains for a known task: ``core`` reads recipes but knows no task."""

from __future__ import annotations

from django.core.checks import Error

from portal import tasks
from portal.core import configs


def check_tasks(**kwargs) -> list[Error]:
    """An error for each recipe with an unknown task; none while the files in ``configs/`` cannot be read."""
    try:
        recipes = configs.recipes()
    except configs.ConfigError:
        return []
    known = [task.name for task in tasks.all_tasks()]
    return [
        Error(
            f"configs/models/{name}.yaml: task must be {' or '.join(known)}, not {recipe.task!r}.",
            id="models.E001",
        )
        for name, recipe in recipes.items()
        if recipe.task not in known
    ]
