"""The job ``layer-error``: the error of each layer of a compiled model in the simulator, against float."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnx

from workers.contract import JobFolder
from workers.contract.messages import msg
from workers.convert import errortable
from workers.convert.calibration import unpack
from workers.convert.errortable import LayerError
from workers.convert.toolkit import NAME as TOOLKIT
from workers.convert.toolkit import Toolkit, toolkit_version

MOST_IMAGES = 8
MOST_SECONDS = 600.0  # no further image is started after this; one takes about a second
FILE = "layer_errors.json"


def main(folder: JobFolder, spec: dict[str, Any]) -> dict[str, Any]:
    """Rebuild the model from its calibration archive and compare its layers on a few of these images."""
    model, archive = Path(spec["inputs"]["onnx"]), Path(spec["inputs"]["calibration"])
    count = max(1, min(int(spec["params"].get("images", 4)), MOST_IMAGES))
    pictures_folder = folder.scratch / "calibration"
    pictures_folder.mkdir(parents=True)
    pictures, settings = unpack(archive, pictures_folder)
    toolkit = Toolkit(folder.scratch / "toolkit")
    try:
        folder.phase(msg("build the model"))
        with folder.tool(TOOLKIT):
            toolkit.build(model, pictures, settings)
        tables = _measure(folder, toolkit, pictures[:: max(1, len(pictures) // count)][:count])
    finally:
        toolkit.close()
    layers = errortable.mean(tables)
    mark_outliers(layers, onnx.load(str(model)), errortable.outliers(toolkit.log))
    found = {"layers": [asdict(layer) for layer in layers], "images": len(tables)}
    (folder.artifacts / FILE).write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    return {**found, "versions": {TOOLKIT: toolkit_version()}}


def _measure(folder: JobFolder, toolkit: Toolkit, pictures: list[Path]) -> list[list[LayerError]]:
    """Return one table per image, for as many images as time allows."""
    folder.phase(msg("compare each layer"))
    begun, tables = time.monotonic(), []
    for done, picture in enumerate(pictures, start=1):
        output = folder.scratch / "snapshot"
        with folder.tool(TOOLKIT):
            tables.append(errortable.parse(toolkit.layer_errors(picture, output)))
        shutil.rmtree(output)
        folder.progress(done, len(pictures))
        if time.monotonic() - begun > MOST_SECONDS:
            break
    return tables


def mark_outliers(layers: list[LayerError], model: onnx.ModelProto, outliers: dict[str, float]) -> None:
    """Add outlying weights to the layers that use them."""
    users = {name: node.output[0] for node in model.graph.node for name in node.input if name in outliers}
    values = {users[name]: value for name, value in outliers.items() if name in users}
    for layer in layers:
        layer.outlier = next((values[name] for name in (*layer.fused, layer.name) if name in values), None)
