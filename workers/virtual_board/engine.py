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

import numpy as np

from workers.convert.simulator import OrtEngine, Simulator
from workers.virtual_board.standin.virtual_wire import Line

KINDS = {"simulator": Simulator, "onnxruntime": OrtEngine}


def serve(engine: Simulator | OrtEngine, path: Path) -> None:
    """Announce the engine in ``<socket>.json``, then process one image at a time, forever."""
    width, height = engine.settings.input_size
    one_at_a_time = threading.Lock()

    def answer(line: Line) -> None:
        try:
            while True:
                _, data = line.receive()
                pixels = np.frombuffer(data, np.uint8).reshape(height, width, 3)
                with one_at_a_time:
                    outputs = engine.outputs(pixels)
                line.send({"outputs": [np.asarray(one, np.float32).tolist() for one in outputs]})
        except (EOFError, OSError):
            line.close()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        facts = path.with_suffix(".tmp")
        facts.write_text(json.dumps({"engine": engine.engine, "input_size": [width, height]}), "utf-8")
        os.replace(facts, path.with_suffix(".json"))
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer, args=(Line(accepted=connection),), daemon=True).start()


def main(argv: list[str]) -> None:
    release, kind, path = argv
    serve(KINDS[kind].from_release(Path(release, "sim")), Path(path))


if __name__ == "__main__":
    main(sys.argv[1:])
