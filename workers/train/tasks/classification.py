"""Classification: one label for a whole image, trained by PaddleClas."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from workers.contract import InputError, ToolchainError
from workers.contract.messages import msg, msg_n
from workers.contract.splits import measured_split
from workers.datakit.scoring import classification as scoring
from workers.train.evaluation import batches, onnx_runner, paddle_runner
from workers.train.labels import read_labels
from workers.train.methods.mixing import mix
from workers.train.paddleclas import fill_configuration
from workers.train.parameters import CONTINUATION, DISTILLATION, PRUNING, QAT, Contents, Plan
from workers.train.progress import EvalLine, MarkLine, TrainLine, parse_line
from workers.train.suite import PADDLECLAS
from workers.train.tasks.base import Prediction, Task
from workers.train.weights import clean_pretrained

# Images on which the slim ONNX model must choose the same class as the Paddle model.
ONNX_CHECK_IMAGES = 64


class Classification(Task):
    name = "classification"
    metric = "top1"
    validated = ("top1", "loss")
    curves = {"loss": "train/loss", "top1": "train/top1", "lr": "train/lr", "ips": "train/ips"}
    suite = PADDLECLAS
    methods = (QAT, DISTILLATION, PRUNING, CONTINUATION)

    def check_classes(self, class_names: list[str]) -> None:
        if len(class_names) < 2:
            raise InputError(msg("A classifier needs at least two classes: add images of a second class."))

    def read_contents(self, dataset: Path, class_names: list[str]) -> Contents:
        train, val = (read_labels(dataset / name, len(class_names)) for name in ("train.txt", "val.txt"))
        return Contents(len(train), len(val))

    def suite_configuration(self, plan: Plan, output: Path) -> dict[str, Any]:
        base, augmentations = self.suite_files(self.name, "augmentations")
        return fill_configuration(plan, base, augmentations, output)

    def with_teacher(self, plan: Plan, scratch: Path) -> Plan:
        mixed = scratch / "mixed"
        joined = mix(plan.dataset, plan.unlabelled, mixed)
        teacher = clean_pretrained(plan.teacher, scratch / "teacher")
        return replace(plan, dataset=mixed, train_images=plan.train_images + joined, teacher=teacher)

    def parse_line(self, line: str) -> TrainLine | EvalLine | MarkLine | None:
        return parse_line(line)

    def cut_tensors(self, graph: Any) -> list[str]:
        """Logits: the network is cut before its last Softmax."""
        return [find_cut_tensor(graph)]

    def evaluate(self, plan: Plan, inference: Path, slim: Path) -> list[Prediction]:
        """One ``{"image", "label", "predicted", "score"}`` per measured image, the score in 0..1."""
        listing = plan.dataset / f"{measured_split(plan.dataset)}.txt"
        pairs = read_labels(listing, plan.num_classes)
        run_paddle = paddle_runner(inference, plan.device)
        predictions: list[Prediction] = []
        for names, batch in batches(plan, [image for image, _ in pairs]):
            for name, probabilities in zip(names, run_paddle(batch)[0], strict=True):
                best = int(probabilities.argmax())
                predictions.append({"image": name, "predicted": best, "score": float(probabilities[best])})
            if len(predictions) == len(names):
                _check_onnx(slim, batch[:ONNX_CHECK_IMAGES], predictions)
        for prediction, (_, label) in zip(predictions, pairs, strict=True):
            prediction["label"] = label
        return predictions

    def summarise(self, predictions: list[Prediction], class_names: list[str]) -> dict[str, Any]:
        return scoring.summarise(predictions, class_names)


def find_cut_tensor(graph: Any) -> str:
    """Return the name of the tensor that feeds the last Softmax of an ONNX graph.

    Searched in the graph because node names change with every paddle2onnx release. ``graph`` needs only
    ``node`` (each with ``op_type`` and ``input``), in topological order as ONNX requires.
    """
    for node in reversed(list(graph.node)):
        if node.op_type == "Softmax":
            return node.input[0]
    raise ToolchainError(
        msg("The exported network has no Softmax at its end, so it is not one of our classifiers.")
    )


def _check_onnx(slim: Path, batch: Any, predictions: list[Prediction]) -> None:
    run = onnx_runner(slim)
    same = sum(
        int(run(image)[0].argmax()) == prediction["predicted"]
        for image, prediction in zip(batch, predictions, strict=False)
    )
    # One near-tie may flip by rounding.
    if same < len(batch) - 1:
        raise ToolchainError(
            msg_n(
                "The ONNX file predicts {different} of {count} image differently from the Paddle model it "
                "was made from: paddle2onnx or onnxslim converted it wrongly.",
                "The ONNX file predicts {different} of {count} images differently from the Paddle model it "
                "was "
                "made from: paddle2onnx or onnxslim converted it wrongly.",
                len(batch),
                different=len(batch) - same,
            )
        )
