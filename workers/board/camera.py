"""Sends images of a board's camera. Python 3.8+, its standard library and the board's own library.

    python camera.py --driver lockzhiner|rknnlite [--size WIDTHxHEIGHT] [--release DIR]

The portal pipes it in (``portal/devices/camera_stream.py``) and keeps standard input open: each ``n`` asks
for one image, any other byte only says that the reader is alive. The program ends by itself if nobody has
written for SILENCE seconds or standard input is closed, so a board whose reader is gone does not keep its
camera.

Standard output is a sequence of messages: four bytes with the length of a JSON object (big endian), the
object, and as many bytes as its field ``bytes`` says. Types: ``ready`` (once), ``frame`` (a JPEG, with the
prediction of the release if there is one), ``error`` (the last). The library's own output goes to stderr.
"""

import argparse
import glob
import json
import os
import re
import select
import shutil
import struct
import sys
import tempfile
import threading
import time
import traceback

SILENCE = 15.0
STALE = 0.3  # seconds without a request after which the camera's buffered images are old
BUFFERED = 3  # images that a camera's driver keeps
FIRST_TRIES = 10  # sensors need a moment until they give images
MOST_WIDTH, MOST_HEIGHT = 2304, 1296
DEVICES = os.environ.get("VIDEO_DEVICES") or "/dev/video*"
WANTED = b"n"
APPLICATION = re.compile(r"/app/app\.py(\0|$)")  # in its command: the program that this portal installs
FOLDERS = []  # to be removed at the end


def msg(id, **params):
    return {"id": id, "params": params}


class CameraError(Exception):
    def __init__(self, code, message):
        super().__init__(message["id"])
        self.code, self.message = code, message


class Wire:
    """Standard output for messages alone: what libraries print there goes to stderr."""

    def __init__(self):
        sys.stdout.flush()
        self.out = os.dup(1)
        os.dup2(2, 1)

    def send(self, data=b"", **fields):
        head = json.dumps(dict(fields, bytes=len(data)), default=str).encode("ascii")
        view = memoryview(struct.pack(">I", len(head)) + head + data)
        while view:
            view = view[os.write(self.out, view) :]


class Requests(threading.Thread):
    """Reads standard input: how many images are wanted. Ends the program if the reader is gone."""

    def __init__(self):
        super().__init__(daemon=True)
        self.wanted, self.changed = 0, threading.Condition()

    def run(self):
        while select.select([0], [], [], SILENCE)[0]:
            data = os.read(0, 4096)
            if not data:
                break
            with self.changed:
                self.wanted += data.count(WANTED)
                self.changed.notify_all()
        leave(0)  # even if the program waits for the camera, or for a reader of its output

    def take(self):
        """Wait for a request; return how many seconds that took."""
        began = time.monotonic()
        with self.changed:
            self.changed.wait_for(lambda: self.wanted)
            self.wanted -= 1
        return time.monotonic() - began


def temporary_folder():
    """A new folder, which is often in memory; those of programs that were killed are removed."""
    prefix = "slipway-camera-"
    for path in glob.glob(os.path.join(tempfile.gettempdir(), prefix + "*-*")):
        process = os.path.basename(path)[len(prefix) :].partition("-")[0]
        if process.isdigit() and not os.path.exists("/proc/" + process):
            shutil.rmtree(path, ignore_errors=True)
    FOLDERS.append(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-"))
    return FOLDERS[-1]


def leave(status):
    """End the program at once, whatever its other thread does."""
    for folder in FOLDERS:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(status)


class VendorCamera:
    """The camera of the Lockzhiner Vision Module. Its sizes are set before it is opened."""

    def __init__(self, width, height):
        try:
            from lockzhiner_vision_module.cv2 import VideoCapture, imwrite
        except ImportError as error:
            raise CameraError("no-library", msg(
                "The board's Python has no working lockzhiner_vision_module ({error}): install the vendor's "
                "SDK archive on the board with its install-sh.sh.", error=error,
            )) from error  # fmt: skip
        self.imwrite, self.size = imwrite, (width, height)
        self.path = os.path.join(temporary_folder(), "frame.jpg")
        self.capture = VideoCapture()
        self.capture.set_width(width)
        self.capture.set_height(height)
        if self.capture.open(0) is False:
            raise closed()

    @property
    def name(self):
        return (
            getattr(self.capture, "SLIPWAY_VIRTUAL_CAMERA", None)
            or "VideoCapture of lockzhiner_vision_module"
        )

    def read(self):
        """An image; None if the camera gives none."""
        ok, image = self.capture.read()
        return None if not ok or image.empty() else image

    def jpeg(self, image):
        self.imwrite(self.path, image)
        with open(self.path, "rb") as stream:
            return stream.read()


class OpenCVCamera:
    """The first V4L2 camera that opens, by OpenCV."""

    QUALITY = 95

    def __init__(self, width, height):
        try:
            import cv2
        except ImportError as error:
            raise CameraError("no-library", msg(
                "The board's Python has no OpenCV ({error}), which reads the camera: install "
                "python3-opencv on the board.", error=error,
            )) from error  # fmt: skip
        self.cv2, self.path = cv2, None
        for device in devices():
            self.capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
            if self.capture.isOpened() and self._start(width, height):
                virtual = getattr(self.capture, "SLIPWAY_VIRTUAL_CAMERA", None)
                self.name = virtual or f"V4L2 {device}"
                return
            self.capture.release()
        raise closed(msg(
            "No video device of the board gives images: connect a camera, or stop the program that uses it, "
            "then try again.",
        ))  # fmt: skip

    def _start(self, width, height):
        self.capture.set(self.cv2.CAP_PROP_FRAME_WIDTH, width)
        self.capture.set(self.cv2.CAP_PROP_FRAME_HEIGHT, height)
        self.capture.set(self.cv2.CAP_PROP_BUFFERSIZE, 1)
        image = self.read()
        if image is None:
            return False
        self.size = image.shape[1], image.shape[0]
        return True

    def read(self):
        ok, image = self.capture.read()
        return image if ok else None

    def jpeg(self, image):
        return self.cv2.imencode(".jpg", image, [self.cv2.IMWRITE_JPEG_QUALITY, self.QUALITY])[1].tobytes()


CAMERAS = {"lockzhiner": VendorCamera, "rknnlite": OpenCVCamera}


def devices():
    """The board's video devices, in the order of their numbers."""
    return sorted(glob.glob(DEVICES), key=lambda path: (len(path), path))


def holder():
    """The name and the command of the program that has a video device open; empty if they cannot be told."""
    mine, known = str(os.getpid()), set(map(os.path.realpath, devices()))
    for place in glob.glob("/proc/[0-9]*/fd/*"):
        process = place.split("/")[2]
        try:
            if process != mine and os.readlink(place) in known:
                name, command = (read_text(f"/proc/{process}/{fact}") for fact in ("comm", "cmdline"))
                return f"{name.strip()} ({process})", command
        except OSError:
            continue
    return "", ""


def read_text(path):
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()


def closed(otherwise=None):
    """Why no camera could be opened; ``otherwise`` if no other program has it."""
    if not devices():
        return CameraError("no-camera", msg(
            "The board has no camera: connect one with the board switched off, check its ribbon cable, and "
            "restart the board.",
        ))  # fmt: skip
    program, command = holder()
    if APPLICATION.search(command):
        return CameraError("camera-busy", msg(
            "The camera is in use by the application on this board: stop the application, then try again.",
        ))  # fmt: skip
    if program:
        return CameraError("camera-busy", msg(
            "The camera is in use by {program} on the board: stop that program, then try again.",
            program=program,
        ))  # fmt: skip
    return CameraError("camera-busy", otherwise or msg(
        "The camera cannot be opened: another program may be using it. Stop other programs on the board, or "
        "restart it, then try again.",
    ))  # fmt: skip


class Predictor:
    """The model of a release, loaded with the release's own programs."""

    def __init__(self, release):
        sys.path.insert(0, release)
        from drivers import DRIVERS
        from tasks import TASKS

        with open(os.path.join(release, "manifest.json"), encoding="utf-8") as stream:
            manifest = json.load(stream)
        self.names, self.score = manifest["class_names"], manifest.get("score_threshold", 0)
        self.driver, self.task = DRIVERS[manifest["driver"]](), TASKS[manifest["task"]]
        self.driver.load(os.path.join(release, "model.rknn"), manifest, self.task)

    def predict(self, image, path):
        """The fields of an answer. Releases of an earlier Slipway read the image from its file."""
        if hasattr(self.driver, "predict_image"):
            found, ms = self.driver.predict_image(image)
        else:
            found, ms = self.driver.predict(path)
        fields = self.task.named(self.task.from_score(found, self.score), self.names)
        return dict(fields, task=self.task.name, ms=round(ms, 3))


def loaded(release):
    """The predictor of a release and None, or None and why there is none."""
    if not release:
        return None, None
    try:
        return Predictor(release), None
    except Exception as error:
        traceback.print_exc()
        plain = msg("The release cannot be loaded ({error}): deploy it again.", error=repr(error))
        return None, getattr(error, "message", plain)


def opened(driver, width, height):
    """The camera, once it gives images."""
    camera = CAMERAS[driver](width, height)
    for _ in range(FIRST_TRIES):
        if camera.read() is not None:
            return camera
        time.sleep(0.1)
    raise no_images()


def no_images():
    return CameraError("no-frames", msg(
        "The camera is open and gives no images: check its ribbon cable, choose a size that the sensor "
        "knows, then restart the board.",
    ))  # fmt: skip


def serve(wire, requests, camera, predictor):
    """Send one image for each request, never an old one."""
    number = 0
    while True:
        waited = requests.take()
        for _ in range(BUFFERED if waited > STALE else 0):
            camera.read()
        image, taken = camera.read(), time.time()
        if image is None:
            raise no_images()
        data = camera.jpeg(image)
        fields = predictor.predict(image, camera.path) if predictor else {}
        wire.send(data, type="frame", number=number, taken=taken, **fields)
        number += 1


def size_of(text):
    """``640x480`` as two numbers. The sensor's sizes are multiples of 8."""
    found = re.match(r"^(\d{2,4})x(\d{2,4})$", text)
    width, height = map(int, found.groups()) if found else (0, 0)
    if not (0 < width <= MOST_WIDTH and 0 < height <= MOST_HEIGHT) or width % 8 or height % 8:
        raise argparse.ArgumentTypeError(text)
    return width, height


def parse(argv):
    parser = argparse.ArgumentParser(prog="camera.py")
    parser.add_argument("--driver", choices=sorted(CAMERAS), required=True)
    parser.add_argument("--size", type=size_of, default=(640, 480))
    parser.add_argument("--release")
    return parser.parse_args(argv)


def main(argv=None):
    options, wire, requests = parse(argv), Wire(), Requests()
    requests.start()
    try:
        camera = opened(options.driver, *options.size)
        predictor, problem = loaded(options.release)
        engine = predictor.driver.engine if predictor else ""
        width, height = camera.size
        wire.send(
            type="ready", camera=camera.name, width=width, height=height, engine=engine, problem=problem
        )
        serve(wire, requests, camera, predictor)
    except CameraError as error:
        wire.send(type="error", code=error.code, message=error.message)
    except Exception as error:
        traceback.print_exc()
        message = msg("The camera program on the board stopped ({error}): restart the board and try again.",
                      error=repr(error))  # fmt: skip
        wire.send(type="error", code="unexpected", message=getattr(error, "message", message))
    leave(1)


if __name__ == "__main__":
    main()
