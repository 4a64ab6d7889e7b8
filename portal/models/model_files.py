"""Uploaded model files, and what their inspection found."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from portal import tasks
from portal.core import configs
from portal.core.messages import KEEPS_MESSAGES
from portal.core.names import NameField
from portal.datasets.models import Upload
from portal.jobs.models import Job, Status
from portal.teams.models import Owned

CLOSED_DRIVER = "lockzhiner"  # its library tells no raw outputs, and decodes no detector but PicoDet
PICODET = "picodet"
DETECTORS = {
    PICODET: "PicoDet",
    "nanodet": "NanoDet",
    "yolov5": "YOLOv5",
    "yolov6": "YOLOv6",
    "yolov8": "YOLOv8",
    "yolox": "YOLOX",
    "ssd": "SSD",
}


class ModelFile(Owned):
    """An ONNX file, or a Paddle inference model, that somebody uploaded. Runs compile networks made of it.

    Its job inspects it; the upload is kept until that has succeeded. The job's artifact ``source.onnx`` is
    the network as it was uploaded.
    """

    name = NameField(max_length=120)
    filename = NameField(max_length=255)
    bytes = models.PositiveBigIntegerField()
    upload = models.ForeignKey(Upload, on_delete=models.SET_NULL, null=True, related_name="+")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="model_file")
    # Its program's output: format, opset, inputs, outputs, operators, task, classes, fixes, diff, chips, …
    facts = models.JSONField(default=dict, **KEEPS_MESSAGES)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("model-file", args=[self.pk])

    @property
    def is_inspected(self) -> bool:
        return self.job.status == Status.SUCCEEDED

    @property
    def refusal(self):
        """Why no run can use it, as a message; empty if one can, or it is not inspected yet."""
        return self.facts.get("refusal", "") if self.is_inspected else ""

    @property
    def task_title(self):
        """Within a sentence, as a message."""
        return tasks.get(self.facts["task"]).title

    @property
    def detector(self) -> str:
        """The family of a detector; empty for other networks."""
        return DETECTORS.get(self.facts.get("detector", ""), "")

    @property
    def choices(self) -> dict[str, int]:
        """Of several outputs that may be the scores of classes, the classes of each, most likely first."""
        found = {one["output"]: one["classes"] for one in self.facts.get("choices", [])}
        return found if len(found) > 1 else {}

    @property
    def needs_open_board(self) -> bool:
        """Whether only boards that hand out a network's own outputs can run it."""
        return self.detector not in ("", DETECTORS[PICODET])

    @property
    def closed_boards(self) -> list[str]:
        """The profiles of boards whose library does not decode it."""
        boards = configs.boards().values() if self.needs_open_board else ()
        return [board.name for board in boards if board.driver == CLOSED_DRIVER]

    @property
    def is_usable(self) -> bool:
        return self.is_inspected and not self.refusal
