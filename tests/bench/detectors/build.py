"""``python -m tests.bench.detectors.build FOLDER CHIP``, in the conversion environment.

Builds each ``FOLDER/<recipe>-<width>x<height>.onnx``, int8, calibrated with noise; prints one JSON object
that has for each file what the build said of its cost.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from workers.contract import ToolchainError
from workers.convert import optable
from workers.convert.calibration import BuildSettings
from workers.convert.toolkit import Toolkit

PICTURES = 8


def main() -> None:
    folder, chip = Path(sys.argv[1]), sys.argv[2]
    print(json.dumps({path.stem: attempt(path, chip) for path in sorted(folder.glob("*.onnx"))}))


def attempt(model: Path, chip: str) -> dict:
    """The cost, or why the toolkit does not build it."""
    try:
        return cost(model, chip)
    except ToolchainError as error:
        return {"refused": str(error)}


def cost(model: Path, chip: str) -> dict:
    width, height = (int(side) for side in model.stem.rpartition("-")[2].split("x"))
    scratch = model.with_suffix(".build")
    settings = BuildSettings(
        target_platform=chip, channel_order="rgb", mean_values=[123.675, 116.28, 103.53],
        std_values=[58.395, 57.12, 57.375], input_size=(width, height), quantized=True, dtype=None,
        algorithm="normal",
    )  # fmt: skip
    toolkit, began = Toolkit(scratch, verbose=True), time.monotonic()
    toolkit.build(model, noise(scratch, width, height), settings)
    toolkit.export(scratch / "model.rknn")
    seconds, found = time.monotonic() - began, optable.parse_cost(toolkit.log)
    toolkit.close()
    return {
        "build_seconds": round(seconds, 1),
        "cycles": found.cycles,
        "memory_megabytes": round(((found.weight_bytes or 0) + (found.feature_bytes or 0)) / 2**20, 2),
        "rknn_megabytes": round((scratch / "model.rknn").stat().st_size / 1e6, 2),
        "cpu_operators": found.cpu_operators,
    }


def noise(folder: Path, width: int, height: int) -> list[Path]:
    folder.mkdir(exist_ok=True)
    random, paths = np.random.default_rng(0), [folder / f"{number}.png" for number in range(PICTURES)]
    for path in paths:
        cv2.imwrite(str(path), random.integers(0, 256, (height, width, 3), np.uint8))
    return paths


if __name__ == "__main__":
    main()
