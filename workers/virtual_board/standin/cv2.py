"""OpenCV as it is, but ``VideoCapture`` opens the virtual board's camera in place of a V4L2 device."""

import importlib
import os
import sys

import virtual_camera

HERE = os.path.dirname(os.path.abspath(__file__))


class VideoCapture:
    """OpenCV's calls for a camera."""

    SLIPWAY_VIRTUAL_CAMERA = virtual_camera.NAME

    def __init__(self, device, backend=0):
        self._camera = virtual_camera.Camera()
        self._is_open = self._camera.open()

    def isOpened(self):
        return self._is_open

    def set(self, name, value):
        side = {opencv.CAP_PROP_FRAME_WIDTH: "width", opencv.CAP_PROP_FRAME_HEIGHT: "height"}.get(name)
        if side:
            setattr(self._camera, side, int(value))
        return bool(side)

    def read(self):
        return True, self._camera.read()

    def release(self):
        self._is_open = False
        self._camera.close()


def _installed():
    """The module of this name that is found without this folder; it takes the place of this one."""
    path = sys.path[:]
    sys.path[:] = [place for place in path if os.path.abspath(place) != HERE]
    sys.modules.pop("cv2", None)
    try:
        return importlib.import_module("cv2")
    finally:
        sys.path[:] = path


opencv = _installed()
opencv.VideoCapture = VideoCapture
