"""The calls of ``lockzhiner_vision_module.cv2`` that a runner needs."""

import os

import virtual_camera
import virtual_wire

os.write(1, b"opencv-mobile MIPI CSI camera with v4l2 rkaiq\n")


class Mat:
    """An opaque image, like the vendor's handle to a ``cv::Mat``: only ``empty`` can be called."""

    def __init__(self, data=b""):
        self._data = data

    def empty(self):
        if not self._data:
            return True
        if virtual_wire.engine is not None:
            return not virtual_wire.engine.ask({"look": True}, self._data)["image"]
        # No model is loaded yet, and so there is no engine that could look. Slow to import.
        import cv2 as opencv
        import numpy

        return opencv.imdecode(numpy.frombuffer(self._data, numpy.uint8), opencv.IMREAD_COLOR) is None


def imread(path):
    """The image at ``path``; an empty Mat if it cannot be read, like ``cv::imread``."""
    try:
        with open(path, "rb") as stream:
            return Mat(stream.read())
    except OSError:
        return Mat()


def imwrite(path, mat):
    """Write a frame of the camera, which is a JPEG already."""
    with open(path, "wb") as stream:
        stream.write(mat._data)
    return True


class Frame(Mat):
    """An image of the camera."""

    def empty(self):
        return False


class VideoCapture:
    """The board's camera; its sizes are set before it is opened."""

    SLIPWAY_VIRTUAL_CAMERA = virtual_camera.NAME

    def __init__(self):
        self._camera = virtual_camera.Camera()

    def set_width(self, width):
        self._camera.width = width

    def set_height(self, height):
        self._camera.height = height

    def open(self, index):
        return self._camera.open()

    def read(self):
        import cv2 as opencv  # slow to import, and needed by the camera alone

        ok, data = opencv.imencode(".jpg", self._camera.read())
        return ok, Frame(data.tobytes())
