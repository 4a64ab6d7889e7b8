"""Distillation: a classifier learns from a teacher's predictions for all images, and from any labels.

Unlabelled images have the class id ``UNLABELLED`` in the batch. The loss is the divergence of the student's
class probabilities from the teacher's, both softened by ``TEMPERATURE``, over all images, plus the suite's
own loss over the labelled ones. The teacher is in evaluation mode: its batch statistics do not change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import paddle
from paddle.nn import functional

from workers.train.parameters import UNLABELLED

TEMPERATURE = 2.0


class Loss(paddle.nn.Layer):
    """Wraps a function as a layer without parameters: the engine requires a layer, to save its parameters."""

    def __init__(self, compute: Callable[..., dict[str, paddle.Tensor]]):
        super().__init__()
        self.forward = compute


class Distillation:
    """Adds a teacher to the student in a PaddleClas engine."""

    def __init__(self, engine: Any, teacher: paddle.nn.Layer):
        self.teacher, self.student_forward = teacher, engine.model.forward
        self.own_loss, self.own_metric = engine.train_loss_func, engine.train_metric_func
        self.model, self.answers = engine.model, None
        teacher.eval()
        engine.model.forward = self.forward
        engine.train_loss_func, engine.train_metric_func = Loss(self.loss), self.metric

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if self.model.training:
            with paddle.no_grad():
                self.answers = self.teacher(x)
        return self.student_forward(x)

    def loss(self, logits: paddle.Tensor, labels: paddle.Tensor) -> dict[str, paddle.Tensor]:
        found, known = {"DistillationLoss": divergence(logits, self.answers)}, labelled(labels)
        if len(known):
            own = self.own_loss(paddle.gather(logits, known), paddle.gather(labels, known))
            # A label has the same weight as a prediction of the teacher.
            found["LabelLoss"] = own["loss"] * (len(known) / len(labels))
        return {**found, "loss": sum(found.values())}

    def metric(self, logits: paddle.Tensor, labels: paddle.Tensor) -> dict[str, paddle.Tensor]:
        known = labelled(labels)
        if not len(known) or self.own_metric is None:
            return {}
        return self.own_metric(paddle.gather(logits, known), paddle.gather(labels, known))


def labelled(labels: paddle.Tensor) -> paddle.Tensor:
    """Return the positions of the labelled images in the batch."""
    return paddle.nonzero(labels.reshape([-1]) != UNLABELLED).reshape([-1])


def divergence(student: paddle.Tensor, teacher: paddle.Tensor) -> paddle.Tensor:
    """Return the mean Kullback-Leibler divergence of softened logits.

    It is scaled so that its gradients are as large as those of a label's cross entropy.
    """
    wanted = functional.softmax(teacher / TEMPERATURE)
    got = functional.log_softmax(student / TEMPERATURE)
    return functional.kl_div(got, wanted, reduction="batchmean") * TEMPERATURE
