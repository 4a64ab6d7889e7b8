"""The system check that every recipe names a known task: ``core`` reads recipes but knows no tasks."""

from __future__ import annotations

from django.core.checks import Error

from portal import tasks
from portal.core import configs


def check_tasks(**kwargs) -> list[Error]:
    """One error per recipe with an unknown task; none while the files in ``configs/`` cannot be read."""
    try:
        recipes = configs.recipes()
    except configs.ConfigError:
        return []
    return [
        Error(
            f"configs/models/{name}.yaml: task must be {' or '.join(tasks.TASKS)}, not {recipe.task!r}.",
            id="models.E001",
        )
        for name, recipe in recipes.items()
        if recipe.task not in tasks.TASKS
    ]


def refuse_unknown_tasks() -> None:
    """Exit with only the sentences. Web servers and workers run no system checks."""
    if errors := check_tasks():
        raise SystemExit("\n".join(error.msg for error in errors))
