"""The tasks of dataset labels: how tasks differ as far as data goes. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from workers.contract.messages import msg

CLASSIFICATION, DETECTION = "classification", "detection"


@dataclass(frozen=True, slots=True)
class Task:
    """``labels`` says what each image has; ``least_classes`` is the minimum number of classes."""

    name: str
    title: str
    labels: str
    has_boxes: bool
    least_classes: int


TASKS = {
    task.name: task
    for task in (
        Task(CLASSIFICATION, msg("classification"), msg("one class for each image"), False, 2),
        Task(DETECTION, msg("detection"), msg("images with boxes"), True, 1),
    )
}


def get(name: str) -> Task:
    """The task with this name; if no reader knows it, one with only its name."""
    return TASKS.get(name) or Task(name, name, "", has_boxes=False, least_classes=1)
