"""The task-specific parts of training, one class per task. No other module here depends on the task."""

from workers.train.tasks.base import Task
from workers.train.tasks.classification import Classification
from workers.train.tasks.detection import Detection

TASKS: dict[str, Task] = {task.name: task for task in (Classification(), Detection())}

__all__ = ["TASKS", "Task"]
