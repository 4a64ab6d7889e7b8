"""One loaded model: ``python -m workers.virtual_board.engine <release> <kind> <socket>``.

Loads the release's ``sim/`` with the toolkit's int8 simulator or with ONNX Runtime and serves predictions
over a unix socket until the virtual board that started it is gone.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from workers.convert.simulator import OrtEngine, Simulator
from workers.virtual_board import library
from workers.virtual_board.standin.virtual_wire import Line

KINDS = {"simulator": Simulator, "onnxruntime": OrtEngine}


def _reply(
    engine: Simulator | OrtEngine, fields: dict[str, Any], data: bytes
) -> tuple[dict[str, Any], bytes]:
    """``{"look"}``: whether the data is an image; ``{"find": class of the vendor's, …}``: what is in it;
    ``{"feed"}``: the network's own outputs for these pixels, at input size, as float32.
    """
    if "feed" in fields:
        return _fed(engine, data)
    pixels = library.decode(data)
    if "look" in fields:
        return {"image": pixels is not None}, b""
    width, height = engine.settings.input_size
    outputs = engine.outputs(library.resize(pixels, width, height))
    find, image_size = library.CLASSES[fields["find"]], (pixels.shape[1], pixels.shape[0])
    return {"found": find(outputs, image_size, {**fields, "input_size": (width, height)})}, b""


def _fed(engine: Simulator | OrtEngine, data: bytes) -> tuple[dict[str, Any], bytes]:
    width, height = engine.settings.input_size
    pixels = np.frombuffer(data, np.uint8).reshape(height, width, 3)
    outputs = [np.asarray(one, np.float32) for one in engine.outputs(pixels)]
    return {"shapes": [one.shape for one in outputs]}, b"".join(one.tobytes() for one in outputs)


def serve(engine: Simulator | OrtEngine, path: Path) -> None:
    """Announce the engine in ``<socket>.json``, then process one image at a time, forever."""
    one_at_a_time = threading.Lock()

    def answer(line: Line) -> None:
        try:
            while True:
                fields, data = line.receive()
                with one_at_a_time:
                    reply = _reply(engine, fields, data)
                line.send(*reply)
        except (EOFError, OSError):
            line.close()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        facts = path.with_suffix(".tmp")
        facts.write_text(json.dumps({"engine": engine.engine}), "utf-8")
        os.replace(facts, path.with_suffix(".json"))
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer, args=(Line(accepted=connection),), daemon=True).start()


def main(argv: list[str]) -> None:
    release, kind, path = argv
    serve(KINDS[kind].from_release(Path(release, "sim")), Path(path))


if __name__ == "__main__":
    main(sys.argv[1:])
