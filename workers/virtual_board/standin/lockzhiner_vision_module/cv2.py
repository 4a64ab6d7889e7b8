"""The calls of ``lockzhiner_vision_module.cv2`` that a runner needs. Images are BGR."""

import os

import cv2 as opencv
import numpy

os.write(1, b"opencv-mobile MIPI CSI camera with v4l2 rkaiq\n")


class Mat:
    """An opaque image, like the vendor's handle to a ``cv::Mat``: only ``empty`` can be called."""

    def __init__(self, pixels=None):
        self._pixels = pixels

    def empty(self):
        return self._pixels is None


def imread(path):
    """The image at ``path``; an empty Mat if it cannot be read, like ``cv::imread``."""
    try:
        data = numpy.fromfile(path, dtype=numpy.uint8)
    except OSError:
        return Mat()
    return Mat(opencv.imdecode(data, opencv.IMREAD_COLOR) if data.size else None)
