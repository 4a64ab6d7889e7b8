"""``PaddleClas`` and ``PaddleDet`` with the interface of the vendor's library; the virtual board's engine
computes.
"""

import os

import lockzhiner_vision_module
import numpy
from virtual_wire import SOCKET_VARIABLE, Line


class ClassificationResult:
    def __init__(self, label_id, score):
        self.label_id = label_id
        self.score = score


class Rect:
    """Whole pixels of the image, like ``cv::Rect``."""

    def __init__(self, x, y, width, height):
        self.x, self.y, self.width, self.height = int(x), int(y), int(width), int(height)


class DetectionResult:
    def __init__(self, box, score, label_id):
        self.box = box
        self.score = score
        self.label_id = label_id


def resize(pixels, width, height):
    """Bilinear stretch, pixel centres at one half; uint8 (height, width, 3) in and out.

    Independent of the cv2 module, but in OpenCV's integer arithmetic (weights in 2048ths, each product
    truncated for the next step): the vendor's library is built on opencv-mobile, and other rounding changes
    one pixel in twenty by 1, which affects an undertrained int8 model.
    """
    top, bottom, down = _neighbours(pixels.shape[0], height)
    left, right, across = _neighbours(pixels.shape[1], width)
    source = pixels.astype(numpy.int32)
    rows = source[:, left] * (2048 - across)[None, :, None] + source[:, right] * across[None, :, None] >> 4
    upper = rows[top] * (2048 - down)[:, None, None] >> 16
    lower = rows[bottom] * down[:, None, None] >> 16
    return numpy.clip(upper + lower + 2 >> 2, 0, 255).astype(numpy.uint8)


def _neighbours(size, wanted):
    """For each output position: the two source positions and the weight of the second, in 2048ths."""
    at = (numpy.arange(wanted) + 0.5) * size / wanted - 0.5
    low = numpy.floor(at).astype(int)
    weight = numpy.rint((at - low) * 2048).astype(numpy.int32)
    return numpy.clip(low, 0, size - 1), numpy.clip(low + 1, 0, size - 1), weight


class Network:
    """``initialize(path) -> bool``, and the network's outputs for an image."""

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
        self._takes_thresholds = not reply["refuses_thresholds"]
        self._engine = Line(reply["socket"])
        return True

    def _outputs(self, mat):
        pixels = resize(mat._pixels, self._width, self._height)
        outputs = self._engine.ask({}, pixels.tobytes())["outputs"]
        return [numpy.asarray(output, dtype=numpy.float64) for output in outputs]

    def _label(self, best, classes):
        return (best + 1) % classes if self._wrong else best


class PaddleClas(Network):
    """``predict(mat) -> .label_id, .score`` (the best class only)."""

    def predict(self, mat):
        logits = self._outputs(mat)[0].reshape(-1)
        odds = numpy.exp(logits - logits.max())
        best = int(odds.argmax())
        return ClassificationResult(self._label(best, len(odds)), float(odds[best] / odds.sum()))


class PaddleDet(Network):
    """``predict(mat) -> [.box, .score, .label_id]``, boxes in whole pixels, with a default threshold of 0.5.

    Implemented independently of the decoder used for evaluation, so that each checks the other.
    """

    def __init__(self):
        super().__init__()
        self._least_score, self._overlap = 0.5, 0.3

    def set_threshold(self, score_threshold=0.5, nms_threshold=0.3):
        if not self._takes_thresholds:
            # As the published library's own method does.
            return self.initialize(score_threshold, nms_threshold)
        self._least_score, self._overlap = score_threshold, nms_threshold

    def predict(self, mat):
        outputs = self._outputs(mat)
        height, width = mat._pixels.shape[:2]
        across, down = width / self._width, height / self._height
        found = []
        for score, label, box in self._kept(sorted(self._candidates(outputs), key=lambda one: -one[0])):
            left, right = (min(max(edge * across, 0), width) for edge in (box[0], box[2]))
            top, bottom = (min(max(edge * down, 0), height) for edge in (box[1], box[3]))
            rect = Rect(left, top, right - left, bottom - top)
            found.append(DetectionResult(rect, score, self._label(label, outputs[0].shape[1])))
        return found

    def _candidates(self, outputs):
        """(score, class, corners in the network's input) of each position with a sufficient score."""
        for level, stride in enumerate((8, 16, 32, 64)):
            scores, sides = outputs[2 * level][0], outputs[2 * level + 1][0]
            for label, y, x in numpy.argwhere(scores > self._least_score):
                odds = numpy.exp(sides[:, y, x].reshape(4, -1))
                left, top, right, bottom = odds @ numpy.arange(odds.shape[1]) / odds.sum(axis=1)
                corners = x + 0.5 - left, y + 0.5 - top, x + 0.5 + right, y + 0.5 + bottom
                yield float(scores[label, y, x]), int(label), [stride * edge for edge in corners]

    def _kept(self, candidates):
        """Those that do not overlap a higher-scoring one of their class too much."""
        kept = []
        for one in candidates:
            if all(one[1] != other[1] or _overlap(one[2], other[2]) <= self._overlap for other in kept):
                kept.append(one)
        return kept


def _overlap(one, other):
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared) if shared else 0
