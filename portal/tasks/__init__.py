"""What a model predicts: one class a task, with one method for each thing that differs between tasks."""

from portal.tasks.base import DatasetFacts, Prediction, Stage, Task
from portal.tasks.classification import Classification
from portal.tasks.unknown import Unknown

TASKS: dict[str, Task] = {task.name: task for task in (Classification(),)}


def get(name: str) -> Task:
    """The task of this name; an Unknown, which is shown and starts nothing, when there is none."""
    return TASKS.get(name) or Unknown(name)


__all__ = ["TASKS", "DatasetFacts", "Prediction", "Stage", "Task", "Unknown", "get"]
