"""The virtual board's camera, made of the pictures of a folder or zip: each fills the frame for a second."""

import fcntl
import os
import time

import virtual_wire

NAME = "virtual: a folder of images"
FRAMES_A_SECOND = 25.0
SECONDS_A_PICTURE = 1.0
MOST_PICTURES = 60
SWAY = 4  # pixels that a picture moves, so that no two frames are equal


class Camera:
    """``width`` and ``height`` may be set at any time; ``read`` returns pixels, BGR."""

    def __init__(self):
        self.width, self.height, self._device = 640, 480, None
        self._shown, self._pixels, self._next = None, None, 0.0

    def open(self):
        """As on a board, only one program at a time has the camera; False if it cannot be opened."""
        self._fault = os.environ.get(virtual_wire.CAMERA_FAULT_VARIABLE, "")
        try:
            self._device = open(os.environ[virtual_wire.DEVICE_VARIABLE], "rb")
            fcntl.flock(self._device, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        self._pictures = _pictures(os.environ[virtual_wire.CAMERA_VARIABLE], MOST_PICTURES)
        return self._fault != "busy" and bool(self._pictures)

    def close(self):
        if self._device is not None:
            self._device.close()

    def read(self):
        now = time.monotonic()
        self._next = max(self._next + 1 / FRAMES_A_SECOND, now)
        time.sleep(self._next - now)
        return self._frame(time.time())

    def _frame(self, at):
        import numpy  # slow to import, as OpenCV is, and needed by the camera alone

        if self._fault == "black":
            return numpy.zeros((self.height, self.width, 3), numpy.uint8)
        self._show(int(at / SECONDS_A_PICTURE) % len(self._pictures))
        left, top = (int(at * pace) % (2 * SWAY + 1) for pace in (25, 7))
        frame = self._pixels[top : top + self.height, left : left + self.width].copy()
        # The sensor's noise: the clock, in gray values that nobody sees.
        clock = numpy.frombuffer(int(at * 1e6).to_bytes(8, "big"), numpy.uint8)
        frame[0, :64, 0] = numpy.unpackbits(clock) * 64
        return frame

    def _show(self, number):
        import cv2 as opencv
        import numpy

        shown = number, self.width, self.height
        if shown == self._shown:
            return
        size = self.width + 2 * SWAY, self.height + 2 * SWAY
        picture = numpy.frombuffer(self._pictures[number], numpy.uint8)
        self._pixels = opencv.resize(opencv.imdecode(picture, opencv.IMREAD_COLOR), size)
        self._shown = shown


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
