"""Detection: boxes with classes, by PaddleDetection's PicoDet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from workers.contract import InputError, ToolchainError
from workers.contract.messages import msg, msg_n
from workers.contract.splits import TRAIN, VAL, measured_split
from workers.datakit import coco_json
from workers.datakit.scoring import detection as scoring
from workers.train.evaluation import batches, onnx_runner, paddle_runner
from workers.train.methods import pseudo_labels
from workers.train.paddledet import fill_configuration
from workers.train.paddledet_log import parse_line
from workers.train.parameters import CONTINUATION, DISTILLATION, PRUNING, QAT, Contents, Plan
from workers.train.progress import EvalLine, MarkLine, TrainLine
from workers.train.suite import PADDLEDET
from workers.train.tasks.base import Prediction, Task

# Images on which the slim ONNX model must give the same numbers as the Paddle model.
ONNX_CHECK_IMAGES = 8
TOLERANCE = 1e-2
OUTPUTS = 8  # scores and distances of four levels


class Detection(Task):
    name = "detection"
    metric = "map"
    validated = ("map", "ap50")
    curves = {
        "loss": "train/loss",
        "loss_vfl": "train/loss_vfl",
        "loss_bbox": "train/loss_bbox",
        "loss_dfl": "train/loss_dfl",
        "learning_rate": "train/lr",
        "ips": "train/ips",
    }
    suite = PADDLEDET
    methods = (QAT, DISTILLATION, PRUNING, CONTINUATION)
    teaches_by_onnx = True

    def check_classes(self, class_names: list[str]) -> None:
        if not class_names:
            raise InputError(msg("A detector needs at least one class: draw boxes."))

    def read_contents(self, dataset: Path, class_names: list[str]) -> Contents:
        splits = dict.fromkeys((TRAIN, VAL, measured_split(dataset)))
        rows = {split: coco_json.read_staged(dataset, split, len(class_names)) for split in splits}
        labels = {split: {box["label"] for row in rows[split] for box in row["truth"]} for split in splits}
        for split, found in labels.items():
            if not found:
                raise InputError(
                    msg("No image of the {split} split has a box: add images with boxes to it.", split=split)
                )
        notices = []
        if unknown := sorted(set().union(*labels.values()) - labels[TRAIN]):
            names = ", ".join(class_names[label] for label in unknown)
            notices.append(
                msg("No training image has a box of {names}: the model cannot find it.", names=names)
            )
        return Contents(len(rows[TRAIN]), len(rows[VAL]), notices)

    def suite_configuration(self, plan: Plan, output: Path) -> dict[str, Any]:
        return fill_configuration(plan, *self.suite_files(self.name, "networks", "augmentations"), output)

    def with_teacher(self, plan: Plan, scratch: Path) -> Plan:
        predict = pseudo_labels.teacher(plan.teacher, plan.method["teacher"], plan.num_classes)
        mixed = scratch / "mixed"
        joined = pseudo_labels.join(plan.dataset, plan.unlabelled, mixed, predict, plan.num_classes)
        sentence = msg_n(
            "The teacher drew the boxes of {count} image.",
            "The teacher drew the boxes of {count} images.",
            joined,
        )
        notices = [*plan.notices, sentence]
        return replace(plan, dataset=mixed, train_images=plan.train_images + joined, notices=notices)

    def parse_line(self, line: str) -> TrainLine | EvalLine | MarkLine | None:
        return parse_line(line)

    def cut_tensors(self, graph: Any) -> list[str]:
        """The exported network already ends there, see ``tools/paddledet/export_model.py``."""
        names = [output.name for output in graph.output]
        if len(names) != OUTPUTS:
            raise ToolchainError(
                msg_n(
                    "The exported network has {count} output and not {wanted}: it is none of our detectors.",
                    "The exported network has {count} outputs and not {wanted}: it is none of our detectors.",
                    len(names),
                    wanted=OUTPUTS,
                )
            )
        return names

    def evaluate(self, plan: Plan, inference: Path, slim: Path) -> list[Prediction]:
        from workers.datakit.decoding import detector

        rows = coco_json.read_staged(plan.dataset, measured_split(plan.dataset), plan.num_classes)
        run_paddle = paddle_runner(inference, plan.device, onednn=False)
        predictions: list[Prediction] = []
        for _, batch in batches(plan, [row["image"] for row in rows]):
            outputs = run_paddle(batch)
            if not predictions:
                _check_onnx(slim, batch[:ONNX_CHECK_IMAGES], outputs)
            for number, row in enumerate(rows[len(predictions) :][: len(batch)]):
                raw = [output[number] for output in outputs]
                boxes = detector.decode(raw, plan.input_size, (row["width"], row["height"]))
                predictions.append({**row, "boxes": boxes})
        return predictions

    def summarise(self, predictions: list[Prediction], class_names: list[str]) -> dict[str, Any]:
        return scoring.summarise(predictions, class_names)


def _check_onnx(slim: Path, batch: Any, outputs: list[Any]) -> None:
    import numpy

    run = onnx_runner(slim)
    for number, image in enumerate(batch):
        for ours, theirs in zip(run(image), outputs, strict=True):
            if not numpy.allclose(ours[0], theirs[number], TOLERANCE, TOLERANCE):
                raise ToolchainError(
                    msg(
                        "The ONNX file predicts differently from the Paddle model it was made from: "
                        "paddle2onnx or onnxslim converted it wrongly."
                    )
                )
