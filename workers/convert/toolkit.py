"""The only module that calls rknn-toolkit2: every return value is checked, no files are left in other
folders.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from workers.contract import ToolchainError
from workers.contract.messages import msg
from workers.convert import hybrid
from workers.convert.calibration import BuildSettings
from workers.convert.capture import captured
from workers.convert.toolkit_errors import explain

NAME = "rknn-toolkit2"


def toolkit_version() -> str:
    return version(NAME)


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Make ``folder`` the current and the temporary folder: the toolkit leaves its files in both."""
    before, temporary = Path.cwd(), os.environ.get("TMPDIR")
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), None
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        tempfile.tempdir = None
        if temporary is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = temporary


class Toolkit:
    """One model in rknn-toolkit2, from ONNX to the simulator's outputs.

    ``scratch`` gets all files that the toolkit leaves, and its output as ``toolkit.log``. Call in this order:
    ``build``, ``export`` (optional), ``start_simulator``, ``infer``.
    """

    def __init__(self, scratch: Path, verbose: bool = False):
        self.scratch = scratch.resolve()
        self.verbose = verbose
        self.log = ""
        self._rknn: Any = None

    def build(
        self, model: Path, pictures: list[Path], settings: BuildSettings, custom_string: str | None = None
    ) -> None:
        """Load the ONNX file and build it for the target; raise ToolchainError naming what failed.

        Afterwards ``log`` has all output; the operator table only if ``verbose``.
        """
        self.scratch.mkdir(parents=True, exist_ok=True)
        listing = self.scratch / "calibration.txt"
        listing.write_text("".join(f"{picture.resolve()}\n" for picture in pictures), encoding="utf-8")
        self._step(msg("start"), self._start)
        self._step(msg("accept the settings"), lambda: self._rknn.config(**_config(settings, custom_string)))
        self._step(msg("load the ONNX model"), lambda: self._rknn.load_onnx(model=str(model.resolve())))
        if settings.int16_layers:
            self._build_hybrid(model, str(listing), settings.int16_layers)
            return
        options: dict[str, Any] = {"do_quantization": settings.quantized}
        if settings.quantized:
            options["dataset"] = str(listing)
        self._step(msg("build the model"), lambda: self._rknn.build(**options))

    def _build_hybrid(self, model: Path, listing: str, layers: list[str]) -> None:
        """Quantize, put the layers into 16 bits, and build the rest in 8; see ``hybrid``."""
        quantize = msg("quantize the model")
        self._step(quantize, lambda: self._rknn.hybrid_quantization_step1(dataset=listing, proposal=False))
        files = [self.scratch / f"{model.stem}{end}" for end in (".model", ".data", ".quantization.cfg")]
        text = files[2].read_text(encoding="utf-8")
        names = hybrid.tensors(onnx.load(str(model)), layers, hybrid.tensors_of(text))
        files[2].write_text(hybrid.choose(text, names), encoding="utf-8")
        self.close()
        # Step 2 fails in the object that did step 1.
        self._step(msg("start"), self._start)
        paths = map(str, files)
        self._step(msg("build the model"), lambda: self._rknn.hybrid_quantization_step2(*paths))

    def _start(self) -> int:
        # Imported here: it takes a second and prints.
        from rknn.api import RKNN

        self._rknn = RKNN(verbose=self.verbose)
        return 0

    def export(self, target: Path) -> None:
        """Write the .rknn file."""
        self._step(msg("write the RKNN file"), lambda: self._rknn.export_rknn(str(target.resolve())))
        if not target.is_file():
            raise ToolchainError(msg("rknn-toolkit2 said that it wrote the RKNN file, but there is none."))

    def start_simulator(self, first: np.ndarray) -> None:
        """Start the simulator and run one image, because only the first call prepares its graph."""
        self._step(msg("start the simulator"), lambda: self._rknn.init_runtime())
        self._step(msg("run the simulator"), lambda: 0 if self.infer(first) is not None else -1)

    def infer(self, image: np.ndarray) -> list[np.ndarray]:
        """Return the outputs, float32, for one uint8 image height × width × 3.

        The simulator subtracts the mean and divides as the chip does, and takes the channels in the given
        order.
        """
        try:
            outputs = self._rknn.inference(inputs=[image[np.newaxis]], data_format=["nhwc"])
        except Exception as error:
            raise ToolchainError(explain(msg("simulate the model"), "", str(error))) from error
        if not outputs:
            raise ToolchainError(
                msg("rknn-toolkit2's simulator gave no prediction for an image: see the job's log.")
            )
        return [np.asarray(output, dtype=np.float32) for output in outputs]

    def layer_errors(self, picture: Path, folder: Path) -> str:
        """Return the table of each layer's error on one calibration image; ``folder`` gets the tensors."""
        self._step(
            msg("compare the layers"),
            lambda: self._rknn.accuracy_analysis(inputs=[str(picture.resolve())], output_dir=str(folder)),
        )
        table = folder / "error_analysis.txt"
        if not table.is_file():
            raise ToolchainError(msg("rknn-toolkit2 wrote no table of errors: see the job's log."))
        return table.read_text(encoding="utf-8")

    def close(self) -> None:
        if self._rknn is not None:
            self._rknn.release()
            self._rknn = None

    def _step(self, what: str, call: Callable[[], int]) -> None:
        """Run one call of the toolkit in scratch; -1 or an exception becomes a ToolchainError."""
        raised, code = None, -1
        with working_in(self.scratch), captured(self.scratch / "toolkit-step.log") as output:
            try:
                code = call()
            except ToolchainError:
                raise
            except (Exception, SystemExit) as error:
                raised = error
        self.log += output.text
        if raised is not None or code != 0:
            raise ToolchainError(explain(what, output.text, str(raised or ""))) from raised


def _config(settings: BuildSettings, custom_string: str | None) -> dict[str, Any]:
    options: dict[str, Any] = {
        "mean_values": [list(settings.mean_values)],
        "std_values": [list(settings.std_values)],
        "target_platform": settings.target_platform,
        "quant_img_RGB2BGR": settings.reads_pictures_as_bgr,
        "quantized_algorithm": settings.algorithm,
        "quantized_method": settings.method,
    }
    if settings.quantized and settings.dtype:
        options["quantized_dtype"] = settings.dtype
    if custom_string:
        options["custom_string"] = custom_string
    return options
