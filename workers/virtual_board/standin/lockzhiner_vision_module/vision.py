"""``PaddleClas`` as the vendor's library has it; the answers come from the virtual board's engine."""

import os

import lockzhiner_vision_module
import numpy
from virtual_wire import SOCKET_VARIABLE, Line


class ClassificationResult:
    def __init__(self, label_id, score):
        self.label_id = label_id
        self.score = score


def resize(pixels, width, height):
    """Bilinear stretch with pixel centres at one half, in floating point: not OpenCV's own code, as the
    board's is not either. uint8 (height, width, 3) in and out."""
    top, bottom, down = _neighbours(pixels.shape[0], height)
    left, right, across = _neighbours(pixels.shape[1], width)
    source = pixels.astype(numpy.float32)
    rows = source[top] * (1 - down)[:, None, None] + source[bottom] * down[:, None, None]
    both = rows[:, left] * (1 - across)[None, :, None] + rows[:, right] * across[None, :, None]
    return numpy.clip(numpy.rint(both), 0, 255).astype(numpy.uint8)


def _neighbours(size, wanted):
    at = numpy.clip((numpy.arange(wanted) + 0.5) * size / wanted - 0.5, 0, size - 1)
    low = numpy.floor(at).astype(int)
    return low, numpy.minimum(low + 1, size - 1), (at - low).astype(numpy.float32)


class PaddleClas:
    """``initialize(path) -> bool`` and ``predict(mat) -> .label_id, .score`` (the best class only)."""

    def __init__(self):
        self._engine = None

    def initialize(self, path):
        board = Line(os.environ[SOCKET_VARIABLE])
        try:
            reply = board.ask({"open": os.path.realpath(path)})
        finally:
            board.close()
        if "error" in reply:
            os.write(1, f"E RKNN: rknn_init fail! virtual board: {reply['error']}\n".encode())
            return False
        lockzhiner_vision_module.SLIPWAY_VIRTUAL_ENGINE = reply["engine"]
        self._width, self._height = reply["input_size"]
        self._wrong = reply["wrong_answer"]
        self._engine = Line(reply["socket"])
        return True

    def predict(self, mat):
        pixels = resize(mat._pixels, self._width, self._height)
        logits = numpy.asarray(self._engine.ask({}, pixels.tobytes())["logits"], dtype=numpy.float64)
        odds = numpy.exp(logits - logits.max())
        best = int(odds.argmax())
        score = float(odds[best] / odds.sum())
        return ClassificationResult((best + 1) % len(odds) if self._wrong else best, score)
