"""The calls of ``lockzhiner_vision_module.cv2`` that a runner needs."""

import fcntl
import os
import time

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
    """The camera, made of the pictures of a folder or zip: each fills the frame for a second."""

    SLIPWAY_VIRTUAL_CAMERA = "virtual: a folder of images"
    FRAMES_A_SECOND = 25.0
    SECONDS_A_PICTURE = 1.0
    MOST_PICTURES = 60
    SWAY = 4  # pixels that a picture moves, so that no two frames are equal

    def __init__(self):
        self._width, self._height, self._device = 640, 480, None
        self._shown, self._pixels, self._next = -1, None, 0.0

    def set_width(self, width):
        self._width = width

    def set_height(self, height):
        self._height = height

    def open(self, index):
        """As on a board, only one program at a time has the camera."""
        self._fault = os.environ.get(virtual_wire.CAMERA_FAULT_VARIABLE, "")
        try:
            self._device = open(os.environ[virtual_wire.DEVICE_VARIABLE], "rb")
            fcntl.flock(self._device, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        self._pictures = _pictures(os.environ[virtual_wire.CAMERA_VARIABLE], self.MOST_PICTURES)
        return self._fault != "busy" and bool(self._pictures)

    def read(self):
        import cv2 as opencv  # slow to import, and needed by the camera alone

        now = time.monotonic()
        self._next = max(self._next + 1 / self.FRAMES_A_SECOND, now)
        time.sleep(self._next - now)
        ok, data = opencv.imencode(".jpg", self._frame(opencv, time.time()))
        return ok, Frame(data.tobytes())

    def _frame(self, opencv, at):
        import numpy

        if self._fault == "black":
            return numpy.zeros((self._height, self._width, 3), numpy.uint8)
        number = int(at / self.SECONDS_A_PICTURE) % len(self._pictures)
        if number != self._shown:
            size = self._width + 2 * self.SWAY, self._height + 2 * self.SWAY
            picture = numpy.frombuffer(self._pictures[number], numpy.uint8)
            self._pixels = opencv.resize(opencv.imdecode(picture, opencv.IMREAD_COLOR), size)
            self._shown = number
        left, top = (int(at * pace) % (2 * self.SWAY + 1) for pace in (25, 7))
        frame = self._pixels[top : top + self._height, left : left + self._width].copy()
        # The sensor's noise: the clock, in gray values that nobody sees.
        clock = numpy.frombuffer(int(at * 1e6).to_bytes(8, "big"), numpy.uint8)
        frame[0, :64, 0] = numpy.unpackbits(clock) * 64
        return frame


def _pictures(place, most):
    """The encoded pictures of a folder or a zip, evenly chosen."""
    if os.path.isfile(place):
        import zipfile  # slow to import, and seldom needed

        with zipfile.ZipFile(place) as archive:
            names = [name for name in archive.namelist() if _is_picture(name)]
            return [archive.read(name) for name in _chosen(names, most)]
    names = [os.path.join(place, name) for name in sorted(os.listdir(place)) if _is_picture(name)]
    return [_content(name) for name in _chosen(names, most)]


def _content(name):
    with open(name, "rb") as stream:
        return stream.read()


def _is_picture(name):
    return name.lower().endswith((".png", ".jpg", ".jpeg", ".bmp"))


def _chosen(names, most):
    return names[:: -(-len(names) // most)] if names else []
