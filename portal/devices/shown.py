"""An inference's images with their predictions, for pages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice

from portal import tasks
from portal.devices.models import Inference, InferenceImage
from portal.tasks.figures import Predicted, Thresholds

# A page of hundreds of images draws only the highest-scoring boxes of each, so that browsers can cope.
MOST_BOXES, LEAST_BOXES = 5_000, 10


@dataclass(frozen=True)
class ShownImage:
    """``view`` is None until the board has responded, and if it failed. ``drawn``: the number of boxes, if
    not all.
    """

    image: InferenceImage
    view: Predicted | None
    drawn: int | None = None


def images_of(inference: Inference, thresholds: Thresholds, most: int | None = None) -> list[ShownImage]:
    """All images, or the first ``most``."""
    task, images = tasks.get(inference.task), inference.images.all()
    boxes = max(LEAST_BOXES, MOST_BOXES // max(1, len(images)))
    return [_bounded(image, _view(task, image, thresholds), boxes) for image in islice(images, most)]


def _bounded(image: InferenceImage, view: Predicted | None, most: int) -> ShownImage:
    if view is None or view.overlay is None or len(view.overlay.boxes) <= most:
        return ShownImage(image, view)
    overlay = replace(view.overlay, boxes=view.overlay.boxes[:most])
    return ShownImage(image, replace(view, overlay=overlay), most)


def _view(task: tasks.Task, image: InferenceImage, thresholds: Thresholds) -> Predicted | None:
    if not image.prediction:
        return None
    size = (image.width, image.height) if image.width and image.height else None
    return task.view(image.prediction, size, thresholds)
