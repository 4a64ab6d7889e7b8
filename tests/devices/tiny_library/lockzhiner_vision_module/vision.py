"""``PaddleClas``: blue, green or red, and what the file ``fault`` beside this one orders it to do wrong."""

import os
import signal
import time

# As the runner says it, of an image that nobody asked about.
OTHER = b"""
@@SLIPWAY@@{"type": "answer", "image": "golden/9.png", "label_id": 0, "label": "blue", "score": 1, "ms": 1}
"""
FAULT = os.path.join(os.path.dirname(__file__), "fault")


class Result:
    def __init__(self, label_id):
        self.label_id, self.score = label_id, 0.9


def ordered():
    try:
        with open(FAULT) as stream:
            return stream.read().strip()
    except OSError:
        return ""


class PaddleClas:
    def initialize(self, path):
        with open(path, "rb") as stream:
            return stream.read(4) == b"RKNN"

    def predict(self, mat):
        fault = ordered()
        if fault == "hang":
            time.sleep(3600)
        while fault == "noise":
            os.write(1, b"I RKNN: something to say that nobody asked for\n" * 500)
        if fault == "other image":
            os.write(1, OTHER)
        if fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        best = max(range(3), key=lambda channel: mat.pixel[2 - channel])
        return Result((best + 1) % 3 if fault == "wrong" else best)
