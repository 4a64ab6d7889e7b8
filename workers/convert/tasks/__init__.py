"""The task-specific parts of conversion, one class per task. No other module here depends on the task."""

from workers.convert.tasks.base import Task
from workers.convert.tasks.classification import Classification
from workers.convert.tasks.detection import Detection

TASKS: dict[str, Task] = {task.name: task for task in (Classification(), Detection())}

__all__ = ["TASKS", "Task"]
