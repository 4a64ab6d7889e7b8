"""``python -m tests.bench.hand.convert FOLDER DATASET ONNX``: a person's script for the RKNN toolkit.

Builds the model for rv1106, int8, with the images that ``FOLDER/calibration.txt`` names, and predicts those
of ``DATASET/val.txt`` with the toolkit's simulator. Prints the share of right predictions last.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from rknn.api import RKNN  # noqa: TID251 (runs where it is)

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
SIZE = (64, 64)


def main() -> None:
    folder, dataset, model = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    rknn = RKNN()
    rknn.config(mean_values=[MEAN], std_values=[STD], target_platform="rv1106")
    rknn.load_onnx(model=model)
    rknn.build(do_quantization=True, dataset=str(calibration(folder, dataset)))
    rknn.export_rknn(str(folder / "model.rknn"))
    rknn.init_runtime()
    right = total = 0
    for line in (dataset / "val.txt").read_text(encoding="utf-8").splitlines():
        name, _, label = line.rpartition(" ")
        pixels = picture(dataset / name)[:, :, ::-1]
        output = rknn.inference(inputs=[pixels[np.newaxis]], data_format=["nhwc"])[0]
        right += int(output.argmax()) == int(label)
        total += 1
    print(right / total)


def picture(path: Path) -> np.ndarray:
    return cv2.resize(cv2.imread(str(path)), SIZE, interpolation=cv2.INTER_LINEAR)


def calibration(folder: Path, dataset: Path) -> Path:
    """Return the list of calibration images, at the network's size as the toolkit wants them."""
    images, listing = folder / "calibration", folder / "resized.txt"
    images.mkdir()
    names = (folder / "calibration.txt").read_text(encoding="utf-8").splitlines()
    paths = [images / f"{number}.png" for number in range(len(names))]
    for name, path in zip(names, paths, strict=True):
        cv2.imwrite(str(path), picture(dataset / name))
    listing.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    return listing


if __name__ == "__main__":
    main()
