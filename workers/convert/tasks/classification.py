"""Classification: one label for a whole image; the model outputs logits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workers.contract import ToolchainError
from workers.contract.messages import msg
from workers.convert import dataset
from workers.convert.tasks.base import Prediction, Sample, Task
from workers.datakit.scoring import classification as scoring


class Classification(Task):
    name = "classification"

    def read_split(self, folder: Path, split: str, classes: int) -> list[Sample]:
        """An image's ground truth is its class id."""
        return [Sample(image, label) for image, label in dataset.read_pairs(folder, split)]

    def translated(self, samples: list[Sample], class_map: list[int | None]) -> list[Sample]:
        found = [Sample(sample.image, class_map[sample.truth]) for sample in samples]
        return [sample for sample in found if sample.truth is not None] or found

    def without_truth(self, image: str, width: int, height: int) -> Sample:
        return Sample(image, None)

    def choose_calibration(self, samples: Sequence[Sample], count: int, seed: int) -> list[str]:
        pairs = [(sample.image, sample.truth) for sample in samples]
        return dataset.choose_calibration(pairs, count, seed)

    def check_outputs(self, shapes: list[list[int]], class_names: list[str]) -> None:
        if shapes != [[1, len(class_names)]]:
            raise ToolchainError(
                msg(
                    "The ONNX model outputs {shapes} and the data set has {count} "
                    "classes: convert with the data set version that it was trained on.",
                    shapes=shapes,
                    count=len(class_names),
                )
            )

    def decode(self, sample: Sample, outputs: Sequence[Any], input_size: tuple[int, int]) -> Prediction:
        """The score is the softmax of the best logit, 0..1."""
        logits = outputs[0].reshape(-1)
        best = int(logits.argmax())
        return {
            "image": sample.image,
            "label": sample.truth,
            "predicted": best,
            "score": round(float(softmax(logits)[best]), 6),
        }

    def summarise(self, predictions: list[Prediction], class_names: list[str]) -> dict[str, Any]:
        return scoring.summarise(predictions, class_names)


def softmax(logits: Any) -> Any:
    """Return probabilities that sum to 1, an array like ``logits``."""
    # Imported here because a job is planned, and tested, without numpy.
    import numpy as np

    powers = np.exp(logits - logits.max())
    return powers / powers.sum()
