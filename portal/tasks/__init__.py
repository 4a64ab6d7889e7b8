"""What a model predicts: one class per task, with one method for each thing that differs between tasks."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from portal.tasks.base import DatasetFacts, Prediction, Stage, Task
from portal.tasks.classification import Classification
from portal.tasks.detection import Detection
from portal.tasks.unknown import Unknown

TASKS: dict[str, Task] = {task.name: task for task in (Classification(), Detection())}


def get(name: str) -> Task:
    """The task with this name; if there is none, an Unknown, which can be displayed but starts nothing."""
    return TASKS.get(name) or Unknown(name)


def metric_of(names: Iterable[str]) -> tuple[str, str]:
    """Name and title of the metric of these tasks; general ones if they measure different things."""
    found = {(task.metric, str(task.metric_title)) for task in map(get, names)}
    return found.pop() if len(found) == 1 else ("value", _("Quality"))


def metric_title(names: Iterable[str]) -> str:
    """The heading for a column of figures of these tasks."""
    return metric_of(names)[1]


__all__ = [
    "TASKS",
    "DatasetFacts",
    "Prediction",
    "Stage",
    "Task",
    "Unknown",
    "get",
    "metric_of",
    "metric_title",
]
