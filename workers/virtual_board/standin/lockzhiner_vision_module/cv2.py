"""The calls of ``lockzhiner_vision_module.cv2`` that a runner needs. Pictures are BGR."""

import os

import cv2 as opencv
import numpy

os.write(1, b"opencv-mobile MIPI CSI camera with v4l2 rkaiq\n")


class Mat:
    """An opaque picture, as the vendor's handle to a ``cv::Mat``: nothing but ``empty`` to ask."""

    def __init__(self, pixels=None):
        self._pixels = pixels

    def empty(self):
        return self._pixels is None


def imread(path):
    """The picture at ``path``; an empty Mat when it cannot be read, as ``cv::imread``."""
    try:
        data = numpy.fromfile(path, dtype=numpy.uint8)
    except OSError:
        return Mat()
    return Mat(opencv.imdecode(data, opencv.IMREAD_COLOR) if data.size else None)
