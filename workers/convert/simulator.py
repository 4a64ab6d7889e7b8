"""Two engines that predict like a model on a board: the int8 simulator, and ONNX Runtime in float.

The conversion measures with them, and the virtual board predicts with them. Both take an image as the board's
library would pass it to the NPU and return the network's outputs.
"""

from __future__ import annotations

import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnxruntime

from workers.contract import InputError
from workers.contract.messages import msg
from workers.convert.calibration import CONFIG_NAME, BuildSettings, unpack
from workers.convert.toolkit import Toolkit, toolkit_version

MODEL_NAME = "build.onnx"
ARCHIVE_NAME = "calibration.zip"


class Simulator:
    """The chip's model in rknn-toolkit2's simulator. Close it, or use it as a context manager.

    Run it in a process of its own: while it is built, it changes the current folder and redirects stdout and
    stderr, and the toolkit may abort its process.

    ``settings`` has ``input_size`` (width, height) and ``channel_order``, the channel order that ``run``
    takes.
    """

    def __init__(self, toolkit: Toolkit, settings: BuildSettings):
        self.toolkit = toolkit
        self.settings = settings
        self.engine = (
            f"rknn-toolkit2 {toolkit_version()} {'int8' if settings.quantized else 'fp16'} simulator"
        )
        self._owned_folder: Path | None = None
        width, height = settings.input_size
        toolkit.start_simulator(np.zeros((height, width, 3), np.uint8))

    @classmethod
    def from_release(cls, sim_dir: Path | str) -> Simulator:
        """Rebuild, in a few seconds, the simulator that the conversion measured with.

        ``sim_dir`` holds ``build.onnx`` and ``calibration.zip``. Raises InputError if one of them is missing
        or damaged, ToolchainError if the toolkit rejects them.
        """
        sim_dir = Path(sim_dir)
        folder = Path(tempfile.mkdtemp(prefix="simulator-"))
        try:
            pictures, settings = unpack(sim_dir / ARCHIVE_NAME, folder)
            toolkit = Toolkit(folder)
            toolkit.build(_model_file(sim_dir), pictures, settings)
            simulator = cls(toolkit, settings)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        simulator._owned_folder = folder
        return simulator

    def outputs(self, image: np.ndarray) -> list[np.ndarray]:
        """Return the model's outputs, float32, for a uint8 image height × width × 3 at input size."""
        return self.toolkit.infer(check_picture(image, self.settings))

    def close(self) -> None:
        self.toolkit.close()
        if self._owned_folder is not None:
            shutil.rmtree(self._owned_folder, ignore_errors=True)

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class OrtEngine:
    """The same model in float on ONNX Runtime, with the same ``outputs``. Fast to start, nothing to close."""

    def __init__(self, model: Path | str, settings: BuildSettings, threads: int = 0):
        self.settings = settings
        self.engine = f"onnxruntime {version('onnxruntime')} float"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        providers = ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(str(model), options, providers=providers)
        self._input = self._session.get_inputs()[0].name
        self._mean = np.asarray(settings.mean_values, np.float32)
        self._std = np.asarray(settings.std_values, np.float32)

    @classmethod
    def from_release(cls, sim_dir: Path | str) -> OrtEngine:
        """Open ``build.onnx`` with the settings in ``calibration.zip``; InputError as in Simulator."""
        sim_dir = Path(sim_dir)
        with tempfile.TemporaryDirectory(prefix="simulator-") as folder:
            _, settings = unpack(sim_dir / ARCHIVE_NAME, Path(folder))
        return cls(_model_file(sim_dir), settings, threads=1)

    def outputs(self, image: np.ndarray) -> list[np.ndarray]:
        """Return the model's outputs, float32, for a uint8 image height × width × 3 at input size."""
        pixels = (check_picture(image, self.settings).astype(np.float32) - self._mean) / self._std
        batch = np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis])
        return self._session.run(None, {self._input: batch})

    def close(self) -> None:
        """Nothing to release; it exists so that either engine can be closed."""


def check_picture(image: np.ndarray, settings: BuildSettings) -> np.ndarray:
    """Return the image, contiguous; raise ValueError unless it is uint8 at the model's input size."""
    width, height = settings.input_size
    if image.dtype != np.uint8 or image.shape != (height, width, 3):
        raise ValueError(f"expected uint8 {(height, width, 3)}, got {image.dtype} {image.shape}")
    return np.ascontiguousarray(image)


def _model_file(sim_dir: Path) -> Path:
    path = sim_dir / MODEL_NAME
    if not path.is_file():
        raise InputError(
            msg("The release has no {model_name} for the simulator: deploy it again.", model_name=MODEL_NAME)
        )
    return path


__all__ = ["ARCHIVE_NAME", "CONFIG_NAME", "MODEL_NAME", "OrtEngine", "Simulator"]
