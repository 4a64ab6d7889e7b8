"""What a model predicts: one class a task, with one method for each thing that differs between tasks."""

from portal.tasks.base import Prediction, Stage, Task
from portal.tasks.classification import Classification

_TASKS: dict[str, Task] = {task.name: task for task in (Classification(),)}


def get(name: str) -> Task:
    """The task of this name; KeyError when there is none."""
    return _TASKS[name]


def all_tasks() -> list[Task]:
    return list(_TASKS.values())


__all__ = ["Prediction", "Stage", "Task", "all_tasks", "get"]
