"""``PaddleClas`` and ``PaddleDet`` with the interface of the vendor's library; the virtual board's engine
computes, see ``workers/virtual_board/library.py``. Standard library only, as on a board: it starts at once.
"""

import os

import lockzhiner_vision_module
import virtual_wire


class ClassificationResult:
    def __init__(self, label_id, score):
        self.label_id = label_id
        self.score = score


class Rect:
    """Whole pixels of the image, like ``cv::Rect``."""

    def __init__(self, x, y, width, height):
        self.x, self.y, self.width, self.height = x, y, width, height


class DetectionResult:
    def __init__(self, box, score, label_id):
        self.box = box
        self.score = score
        self.label_id = label_id


class Network:
    """``initialize(path) -> bool``, and what the engine finds in an image."""

    def __init__(self):
        self._engine = None

    def initialize(self, path):
        board = virtual_wire.Line(os.environ[virtual_wire.SOCKET_VARIABLE])
        try:
            reply = board.ask({"open": os.path.realpath(path)})
        finally:
            board.close()
        if "error" in reply:
            os.write(1, f"E RKNN: rknn_init fail! virtual board: {reply['error']}\n".encode())
            return False
        lockzhiner_vision_module.SLIPWAY_VIRTUAL_ENGINE = reply["engine"]
        self._wrong = reply["wrong_answer"]
        self._takes_thresholds = not reply["refuses_thresholds"]
        self._engine = virtual_wire.engine = virtual_wire.Line(reply["socket"])
        return True

    def _find(self, mat, **options):
        """``{"label", "score"}`` and more of each finding; a wrong label if that was ordered."""
        found = self._engine.ask(dict(options, find=type(self).__name__), mat._data)["found"]
        for one in found:
            one["label"] = (one["label"] + self._wrong) % one["classes"]
        return found


class PaddleClas(Network):
    """``predict(mat) -> .label_id, .score`` (the best class only)."""

    def predict(self, mat):
        (best,) = self._find(mat)
        return ClassificationResult(best["label"], best["score"])


class PaddleDet(Network):
    """``predict(mat) -> [.box, .score, .label_id]``, boxes in whole pixels; the default threshold is 0.5."""

    def __init__(self):
        super().__init__()
        self._least_score, self._overlap = 0.5, 0.3

    def set_threshold(self, score_threshold=0.5, nms_threshold=0.3):
        if not self._takes_thresholds:
            # As the published library's own method does.
            return self.initialize(score_threshold, nms_threshold)
        self._least_score, self._overlap = score_threshold, nms_threshold

    def predict(self, mat):
        found = self._find(mat, score=self._least_score, overlap=self._overlap)
        return [DetectionResult(Rect(*one["box"]), one["score"], one["label"]) for one in found]
