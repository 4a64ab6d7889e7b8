"""How tasks differ in conversion: one class a task. No other module of this program asks which task it is."""

from workers.convert.tasks.base import Task
from workers.convert.tasks.classification import Classification
from workers.convert.tasks.detection import Detection

TASKS: dict[str, Task] = {task.name: task for task in (Classification(), Detection())}

__all__ = ["TASKS", "Task"]
