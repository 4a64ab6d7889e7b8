"""The images of an inference with what was predicted, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass

from portal import tasks
from portal.devices.models import Inference, InferenceImage
from portal.tasks.figures import Thresholds, Told


@dataclass(frozen=True)
class ShownImage:
    """``told`` is None until the board has answered, and where it could not."""

    image: InferenceImage
    told: Told | None


def images_of(inference: Inference, thresholds: Thresholds) -> list[ShownImage]:
    task = tasks.get(inference.task)
    return [ShownImage(image, _told(task, image, thresholds)) for image in inference.images.all()]


def _told(task: tasks.Task, image: InferenceImage, thresholds: Thresholds) -> Told | None:
    if not image.prediction:
        return None
    size = (image.width, image.height) if image.width and image.height else None
    return task.told(image.prediction, size, thresholds)
