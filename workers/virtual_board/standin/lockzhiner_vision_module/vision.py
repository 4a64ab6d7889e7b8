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
    """Bilinear stretch, pixel centres at one half; uint8 (height, width, 3) in and out.

    Not the cv2 module's code but in OpenCV's integers (weights in 2048ths, each product cut to what the
    next step needs): the vendor's library is built on opencv-mobile, and rounding of another kind
    changes one pixel in twenty by 1, which an undertrained int8 model notices.
    """
    top, bottom, down = _neighbours(pixels.shape[0], height)
    left, right, across = _neighbours(pixels.shape[1], width)
    source = pixels.astype(numpy.int32)
    rows = source[:, left] * (2048 - across)[None, :, None] + source[:, right] * across[None, :, None] >> 4
    upper = rows[top] * (2048 - down)[:, None, None] >> 16
    lower = rows[bottom] * down[:, None, None] >> 16
    return numpy.clip(upper + lower + 2 >> 2, 0, 255).astype(numpy.uint8)


def _neighbours(size, wanted):
    """For each wanted position: the two source positions and the weight of the second, in 2048ths."""
    at = (numpy.arange(wanted) + 0.5) * size / wanted - 0.5
    low = numpy.floor(at).astype(int)
    weight = numpy.rint((at - low) * 2048).astype(numpy.int32)
    return numpy.clip(low, 0, size - 1), numpy.clip(low + 1, 0, size - 1), weight


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
        outputs = self._engine.ask({}, pixels.tobytes())["outputs"]
        logits = numpy.asarray(outputs[0], dtype=numpy.float64).reshape(-1)
        odds = numpy.exp(logits - logits.max())
        best = int(odds.argmax())
        score = float(odds[best] / odds.sum())
        return ClassificationResult((best + 1) % len(odds) if self._wrong else best, score)
