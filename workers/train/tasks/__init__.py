"""How tasks differ in training: one class a task. No other module of this program asks which task it is."""

from workers.train.tasks.base import Task
from workers.train.tasks.classification import Classification
from workers.train.tasks.detection import Detection

TASKS: dict[str, Task] = {task.name: task for task in (Classification(), Detection())}

__all__ = ["TASKS", "Task"]
