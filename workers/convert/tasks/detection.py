"""Detection: boxes with classes; the model has raw outputs as ``datakit/decoding/detector.py`` reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workers.contract import ToolchainError
from workers.contract.messages import msg_n
from workers.convert import dataset
from workers.convert.tasks.base import Prediction, Sample, Task
from workers.datakit import coco_json
from workers.datakit.scoring import detection as scoring

BACKGROUND = -1  # stands in for a class for images without boxes


class Detection(Task):
    name = "detection"

    def read_split(self, folder: Path, split: str, classes: int) -> list[Sample]:
        """An image's ground truth is a prediction with only the true boxes."""
        return [Sample(row["image"], row) for row in coco_json.read_staged(folder, split, classes)]

    def translated(self, samples: list[Sample], class_map: list[int | None]) -> list[Sample]:
        """Boxes of classes that the network does not know are left out."""
        return [Sample(sample.image, self._translated(sample.truth, class_map)) for sample in samples]

    @staticmethod
    def _translated(row: Prediction, class_map: list[int | None]) -> Prediction:
        boxes = [{**box, "label": class_map[box["label"]]} for box in row["truth"]]
        return {**row, "truth": [box for box in boxes if box["label"] is not None]}

    def without_truth(self, image: str, width: int, height: int) -> Sample:
        return Sample(image, {"image": image, "width": width, "height": height, "truth": []})

    def choose_calibration(self, samples: Sequence[Sample], count: int, seed: int) -> list[str]:
        """The classes and the images without boxes take turns."""
        pairs = [
            (sample.image, label)
            for sample in samples
            for label in {box["label"] for box in sample.truth["truth"]} or {BACKGROUND}
        ]
        return dataset.choose_calibration(pairs, count, seed)

    def check_outputs(self, shapes: list[list[int]], class_names: list[str]) -> None:
        from workers.datakit.decoding import detector

        channels = [shape[1] for shape in shapes if len(shape) == 4]
        known = len(channels) == len(shapes) and detector.grouping(channels)
        if not known or channels[0] != len(class_names):
            raise ToolchainError(
                msg_n(
                    "The ONNX model outputs {shapes} and not the scores of {count} class and places on "
                    "each grid: convert with the dataset version that it was trained on.",
                    "The ONNX model outputs {shapes} and not the scores of {count} classes and places on "
                    "each grid: convert with the dataset version that it was trained on.",
                    len(class_names),
                    shapes=shapes,
                )
            )

    def decode(self, sample: Sample, outputs: Sequence[Any], input_size: tuple[int, int]) -> Prediction:
        # Imported here because a job is planned, and tested, without numpy.
        from workers.datakit.decoding import detector

        image_size = sample.truth["width"], sample.truth["height"]
        return {**sample.truth, "boxes": detector.decode(outputs, input_size, image_size)}

    def summarise(self, predictions: list[Prediction], class_names: list[str]) -> dict[str, Any]:
        return scoring.summarise(predictions, class_names)
