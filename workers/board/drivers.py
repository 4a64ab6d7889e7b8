"""The inference libraries of boards, one class each. Python 3.8+, its standard library and the board's own.

    python drivers.py probe [--driver lockzhiner|rknnlite]

reports what a board has; the portal sends it through ``python -``. ``runner.py`` of a release imports it.
Messages of Slipway's programs are lines of JSON after ``@@SLIPWAY@@``. Any other output on stdout is the
board library's and is ignored.

The vendor's library is called as in its published test scripts (LockzhinerVisionModule, 2025-05):
``PaddleClas().initialize(path) -> bool``, ``.predict(mat)``, ``imread -> mat`` in BGR order, ``mat.empty()``.
"""

import argparse
import contextlib
import json
import os
import re
import sys
import time

MARK = "@@SLIPWAY@@"
RUNTIME_FOLDERS = "/oem/usr/lib /usr/lib /lib /usr/lib64 /usr/lib/aarch64-linux-gnu /usr/local/lib".split()
RUNTIME_NAMES = ("librknnmrt.so", "librknnrt.so")


def msg(id, **params):
    """A sentence with its parameters, in the format of ``workers/contract/messages.py``."""
    return {"id": id, "params": params}


# What the board's runtime prints on failure, and what to do about it.
RUNTIME_COMPLAINTS = {
    "Invalid RKNN model version": msg("The board's RKNN runtime is too old to read this model: update the "
    "board's librknn runtime to the version of the toolkit that made the model."),
    "incompatible model version": msg("The board's RKNN runtime does not fit this model: update the board's "
    "librknn runtime to the version of the toolkit that made the model."),
    "Mismatch driver version": msg("The board's NPU driver is older than its RKNN runtime wants: update the "
    "board's system image."),
    "failed to allocate fd": msg("The board has no memory left for this model: stop other programs on it "
    "(RkLunch-stop.sh on the vendor's image), restart it, or train a smaller model."),
    "unsupport cpu": msg("The board's runtime lacks an operator of this model: convert it again with a "
    "recipe that keeps every operator on the NPU."),
}  # fmt: skip


class RunnerError(Exception):
    """A failure with one message; ``code`` names its kind for the portal."""

    def __init__(self, code, message):
        super().__init__(message["id"])
        self.code, self.message = code, message


def emit(**fields):
    # A newline first: the libraries print without one. ASCII only: a board's locale is often "C".
    sys.stdout.flush()
    os.write(1, ("\n" + MARK + json.dumps(fields, default=str) + "\n").encode("ascii"))


def shown(path):
    """A path as encodable text, whatever bytes its name holds."""
    return os.fsencode(path).decode("utf-8", "replace")


def open_scratch():
    """A file without a name, in memory if the system can: a small board imports ``tempfile`` slowly."""
    with contextlib.suppress(AttributeError, OSError):
        return os.fdopen(os.memfd_create("noise"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()


@contextlib.contextmanager
def listening(noise):
    """Collect the native library's output in the list ``noise``, and pass it on afterwards.

    The library writes to the file descriptors and not through sys.stdout, so those are redirected to a file.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    with open_scratch() as copy:
        os.dup2(copy.fileno(), 1)
        os.dup2(copy.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for target, original in zip((1, 2), kept):
                os.dup2(original, target)
                os.close(original)
            copy.seek(0)
            text = copy.read().decode("utf-8", "replace")
            noise.append(text)
            os.write(1, text.encode("utf-8", "replace"))


def refused(noise, otherwise):
    """The error for a model that was not loaded: the runtime's output, else the given sentence."""
    text = "\n".join(noise)
    known = [message for sign, message in RUNTIME_COMPLAINTS.items() if sign in text]
    return RunnerError("bad-model", (known or [otherwise])[0])


def package_version(*names):
    from importlib import metadata  # takes a small board a tenth of a second, and is seldom needed

    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    return None


def virtual_engine(package):
    """Only the virtual board's stand-ins have this name: they must never pass for the real library."""
    return getattr(package, "SLIPWAY_VIRTUAL_ENGINE", None)


class Lockzhiner:
    """The library of the Lockzhiner Vision Module. It resizes and applies softmax by itself."""

    library = "lockzhiner_vision_module"

    def __init__(self):
        self.noise = []
        try:
            with listening(self.noise):
                import lockzhiner_vision_module as package
                from lockzhiner_vision_module import vision
                from lockzhiner_vision_module.cv2 import imread
        except ImportError as error:
            raise RunnerError("no-library", msg(
                "The board's Python has no working lockzhiner_vision_module ({error}): install the vendor's "
                "SDK archive on the board with its install-sh.sh.", error=error,
            )) from error  # fmt: skip
        self.package, self.imread, self.vision = package, imread, vision

    @property
    def version(self):
        found = re.search(r"LockzhinerVisionModuleLibrary Version:\s*(\S+)", "\n".join(self.noise))
        if found:
            return found.group(1)
        return getattr(self.package, "__version__", None) or package_version(self.library)

    @property
    def engine(self):
        virtual = virtual_engine(self.package)
        return f"virtual: {virtual}" if virtual else f"{self.library} {self.version or 'of unknown version'}"

    def load(self, model, manifest, task):
        self.task, vendor_class = task, getattr(self.vision, task.vendor_class, None)
        if vendor_class is None:
            raise RunnerError("no-library", msg(
                "The board's library has no {name}: install the vendor's newest SDK archive on the board.",
                name=task.vendor_class,
            ))  # fmt: skip
        self.model = vendor_class()
        with listening(self.noise):
            loaded = self.model.initialize(model)
            self.limits = task.prepare(self.model, model) if loaded is not False else {}
        if loaded is False:
            message = msg("The board's library refused {model}: convert it again for this board's chip.",
                          model=shown(model))  # fmt: skip
            raise refused(self.noise, message)

    def predict(self, path):
        """The task's prediction and its milliseconds; RunnerError for an unreadable image."""
        picture = self.imread(path)
        if picture is None or picture.empty():
            raise unreadable()
        return self.predict_image(picture)

    def predict_image(self, picture):
        """The same for a picture of the library, such as one of its camera."""
        start = time.perf_counter()
        result = self.model.predict(picture)
        ms = (time.perf_counter() - start) * 1000
        return dict(self.task.of_vendor(result), **self.limits), ms


class RknnLite:
    """rknn-toolkit-lite2, for the larger boards. Resizing is done here, postprocessing by the task."""

    library = "rknnlite"

    def __init__(self):
        self.noise = []
        try:
            with listening(self.noise):
                from importlib.util import find_spec

                import numpy
                import rknnlite
                from rknnlite.api import RKNNLite

                if not any(map(find_spec, ("cv2", "PIL"))):
                    raise ImportError("neither OpenCV nor Pillow is there")
        except ImportError as error:
            raise RunnerError("no-library", msg(
                "The board's Python cannot import what it needs ({error}): install rknn-toolkit-lite2 and "
                "numpy on the board.", error=error,
            )) from error  # fmt: skip
        self.package, self.numpy, self.runtime = rknnlite, numpy, RKNNLite

    @property
    def version(self):
        return package_version("rknn-toolkit-lite2", "rknn_toolkit_lite2")

    @property
    def engine(self):
        virtual = virtual_engine(self.package)
        return (
            f"virtual: {virtual}" if virtual else f"rknn-toolkit-lite2 {self.version or 'of unknown version'}"
        )

    def load(self, model, manifest, task):
        self.task = task
        self.size = tuple(manifest["input_size"])
        self.bgr = manifest["channel_order"] == "bgr"
        with listening(self.noise):
            self.model = self.runtime()
            loaded = self.model.load_rknn(model) == 0 and self.model.init_runtime() == 0
        if not loaded:
            raise refused(self.noise, msg(
                "rknn-toolkit-lite2 refused to load {model}: convert it again for this board's chip, "
                "and check that librknnrt.so has the version of the toolkit.", model=shown(model),
            ))  # fmt: skip

    def predict(self, path):
        return self._predict(*self.picture(path))

    def predict_image(self, picture):
        """The same for a picture of OpenCV, such as one of its camera: (height, width, 3), BGR."""
        return self._predict(*self._fitted(picture))

    def _predict(self, pixels, image_size):
        start = time.perf_counter()
        outputs = self.model.inference(inputs=[pixels[None]])
        if not outputs:
            raise RunnerError("bad-model", msg("The NPU gave no answer: restart the board and try again."))
        found = self.task.of_outputs(outputs, self.numpy, self.size, image_size)
        return found, (time.perf_counter() - start) * 1000

    def picture(self, path):
        """The image stretched to the model's input, uint8 (height, width, 3), in the model's channel
        order, and its original (width, height).
        """
        try:
            import cv2
        except ImportError:
            return self.picture_by_pillow(path)
        # imdecode, because imread of some builds cannot open a non-ASCII name.
        pixels = cv2.imdecode(self.numpy.fromfile(path, dtype=self.numpy.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            raise unreadable()
        return self._fitted(pixels)

    def _fitted(self, pixels):
        import cv2

        image_size = pixels.shape[1], pixels.shape[0]
        pixels = cv2.resize(pixels, self.size, interpolation=cv2.INTER_LINEAR)
        return self.numpy.ascontiguousarray(pixels if self.bgr else pixels[:, :, ::-1]), image_size

    def picture_by_pillow(self, path):
        from PIL import Image

        try:
            image = Image.open(path).convert("RGB")
        except (OSError, ValueError) as error:
            raise unreadable() from error
        # Not resize(), which averages when it shrinks: this samples as INTER_LINEAR does.
        scale = (image.width / self.size[0], 0, 0, 0, image.height / self.size[1], 0)
        fitted = image.transform(self.size, Image.AFFINE, scale, resample=Image.BILINEAR)
        pixels = self.numpy.asarray(fitted)
        return self.numpy.ascontiguousarray(pixels[:, :, ::-1] if self.bgr else pixels), image.size


def unreadable():
    return RunnerError("bad-image", msg("The board cannot read this image: send it as PNG, JPEG or BMP."))


DRIVERS = {"lockzhiner": Lockzhiner, "rknnlite": RknnLite}


def runtime_version():
    """The version text inside the RKNN runtime library, or None. Names as in rknn-toolkit2 2.3.2."""
    first = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    for folder in [*filter(None, first), *RUNTIME_FOLDERS]:
        for name in RUNTIME_NAMES:
            try:
                with open(os.path.join(folder, name), "rb") as stream:
                    found = re.search(rb"librknnm?rt version: [^\0\n]{1,60}", stream.read())
            except OSError:
                continue
            return found.group(0).decode("ascii", "replace") if found else f"{name} of unknown version"
    return None


def probe(driver_name):
    python = ".".join(map(str, sys.version_info[:3]))
    facts = {"python": python, "runtime": runtime_version(), "driver": driver_name}
    try:
        driver = DRIVERS[driver_name]()
        virtual = bool(virtual_engine(driver.package))
        facts.update(library=driver.library, library_version=driver.version, virtual=virtual)
        facts["engine"] = driver.engine
    except RunnerError as error:
        facts.update(library=None, library_problem=error.message, engine=None, virtual=False)
    emit(type="probe", **facts)


def main(argv=None):
    parser = argparse.ArgumentParser(prog="drivers.py")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("probe").add_argument("--driver", choices=sorted(DRIVERS), default="lockzhiner")
    probe(parser.parse_args(argv).driver)
    return 0


if __name__ == "__main__":
    sys.exit(main())
