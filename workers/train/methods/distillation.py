"""Distillation: a classifier learns from labels where there are any, and from a teacher's answers everywhere.

Images without a label carry ``UNLABELLED`` in the batch. The loss is the divergence of the student's class
probabilities from the teacher's, both softened by ``TEMPERATURE``, over all images, plus the suite's own over
those with a label. The teacher only answers: its batch statistics stay as they were trained.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import paddle
from paddle.nn import functional

from workers.train.parameters import UNLABELLED

TEMPERATURE = 2.0


class Loss(paddle.nn.Layer):
    """A function as the layer that the engine wants: it saves a loss's parameters, and this has none."""

    def __init__(self, compute: Callable[..., dict[str, paddle.Tensor]]):
        super().__init__()
        self.forward = compute


class Distillation:
    """Puts a teacher beside the student of an engine of PaddleClas."""

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
            # Each label counts as much as each answer of the teacher.
            found["LabelLoss"] = own["loss"] * (len(known) / len(labels))
        return {**found, "loss": sum(found.values())}

    def metric(self, logits: paddle.Tensor, labels: paddle.Tensor) -> dict[str, paddle.Tensor]:
        known = labelled(labels)
        if not len(known) or self.own_metric is None:
            return {}
        return self.own_metric(paddle.gather(logits, known), paddle.gather(labels, known))


def labelled(labels: paddle.Tensor) -> paddle.Tensor:
    """Return the places of the images that have a label."""
    return paddle.nonzero(labels.reshape([-1]) != UNLABELLED).reshape([-1])


def divergence(student: paddle.Tensor, teacher: paddle.Tensor) -> paddle.Tensor:
    """Return the mean Kullback-Leibler divergence of softened logits, scaled so that its gradients are as
    large as those of a label's cross entropy."""
    wanted = functional.softmax(teacher / TEMPERATURE)
    got = functional.log_softmax(student / TEMPERATURE)
    return functional.kl_div(got, wanted, reduction="batchmean") * TEMPERATURE
