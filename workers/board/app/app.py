"""An application for a board: runs the current release on its camera and sends the predictions.

    python app.py [CONFIG]      run until it is stopped; CONFIG is config.json beside this file
    python app.py --check       predict the release's golden images the same way, and compare

Python 3.8+, its standard library and the board's own library; no portal. ``config.json`` says where pictures
come from and where predictions go; see ``README.txt``. It uses the release that ``current`` points to, and
ends with status SWITCHED when that changes: ``keeper.py`` starts it again at once, with the new release.
``camera.py`` beside it reads the camera and loads the release with the release's own programs.
"""

import collections
import json
import os
import signal
import sys
import time
import traceback

sys.dont_write_bytecode = True  # a release holds only what its manifest names
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from outputs import Output  # noqa: E402

import camera as cameras  # noqa: E402

SWITCHED = 75
STATE_SECONDS = 2.0
RECENT = 20
LEAST_PAUSE = 0.02  # seconds between two pictures: leave some time to others
MISSING_SECONDS = 2.0
MOST_MISSES = 50  # pictures that a camera may fail to give in a row
FINISH_SECONDS = 3.0
PICTURES = (".png", ".jpg", ".jpeg", ".bmp")


class AppError(Exception):
    pass


def read_json(path):
    with open(path, encoding="utf-8") as stream:
        return json.load(stream)


def read_config(path):
    try:
        config = read_json(path)
        for output in config["outputs"]:
            output["kind"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AppError(f"{path} cannot be used ({error}): see README.txt") from error
    return config


def write_json(path, data):
    """By a rename, so that a reader finds a whole file even after a power cut."""
    with open(path + ".new", "w", encoding="utf-8") as stream:
        json.dump(data, stream)
    os.replace(path + ".new", path)


class CameraSource:
    """Pictures of the camera, for ever."""

    def __init__(self, config, driver):
        width, height = config.get("size") or (640, 480)
        self.camera = cameras.opened(driver, width, height)

    def pictures(self):
        misses = 0
        while True:
            picture = self.camera.read()
            misses = misses + 1 if picture is None else 0
            if misses > MOST_MISSES:
                raise AppError("the camera gives no pictures any more")
            if picture is None:
                time.sleep(LEAST_PAUSE)
                continue
            yield "", picture, None

    def path_of(self, picture):
        """A file with the picture, for releases that cannot take it from memory."""
        self.camera.jpeg(picture)
        return self.camera.path


class FolderSource:
    """The pictures of a folder, again and again, or once."""

    def __init__(self, folder, once=False):
        self.folder, self.once = folder, once

    def pictures(self):
        while True:
            names = sorted(name for name in os.listdir(self.folder) if name.lower().endswith(PICTURES))
            if not names:
                raise AppError(f"there are no pictures in {self.folder}")
            for name in names:
                yield name, None, os.path.join(self.folder, name)
            if self.once:
                return


def answer(predictor, source, picture, path):
    """A prediction: its fields, and the error of a picture that cannot be read."""
    if path is None and hasattr(predictor.driver, "predict_image"):
        found, ms = predictor.driver.predict_image(picture)
    else:
        found, ms = predictor.driver.predict(path or source.path_of(picture))
    fields = predictor.task.named(predictor.task.from_score(found, predictor.score), predictor.names)
    return dict(fields, task=predictor.task.name, ms=round(ms, 2))


class App:
    def __init__(self, config, root):
        self.config, self.root = config, root
        self.current = os.path.join(root, "current")
        self.run_folder = os.path.join(HERE, "run")
        os.makedirs(self.run_folder, exist_ok=True)
        self.outputs = [Output(one, self.run_folder) for one in config["outputs"]]
        self.recent = collections.deque(maxlen=RECENT)
        self.began, self.frames, self.failed, self.ms = time.time(), 0, 0, 0.0
        self.problem, self.release, self.written, self.stopped, self.last = "", "", 0.0, False, None
        self.counted, self.counted_at, self.rate = 0, time.monotonic(), 0.0

    def stop(self, *_):
        self.stopped = True

    def now(self):
        """The release that is current; empty for none."""
        try:
            return os.path.basename(os.readlink(self.current)) if os.path.isdir(self.current) else ""
        except OSError:
            return ""

    def tell(self, force=False):
        """Write the state for a person, or for the portal."""
        moment = time.monotonic()
        if not force and moment - self.written < STATE_SECONDS:
            return
        if moment - self.counted_at >= STATE_SECONDS:
            self.rate = (self.frames - self.counted) / (moment - self.counted_at)
            self.counted, self.counted_at = self.frames, moment
        self.written = moment
        write_json(os.path.join(self.run_folder, "state.json"), {
            "pid": os.getpid(), "at": time.time(), "began": self.began, "release": self.release,
            "frames": self.frames, "failed": self.failed, "rate": round(self.rate, 2), "ms": self.ms,
            "problem": self.problem[:300], "outputs": [output.state() for output in self.outputs],
            "recent": list(self.recent),
        })  # fmt: skip

    def wait_for_release(self):
        while not self.stopped:
            self.release = self.now()
            if self.release:
                self.problem = ""
                return
            self.problem = "no release is on this board yet: deploy one"
            self.tell()
            time.sleep(MISSING_SECONDS)

    def predictor(self):
        return cameras.Predictor(os.path.join(self.root, "releases", self.release))

    def source(self, predictor):
        wanted = self.config.get("source") or {"kind": "camera"}
        if wanted["kind"] == "folder":
            return FolderSource(os.path.join(self.root, wanted["folder"]))
        manifest = read_json(os.path.join(self.root, "releases", self.release, "manifest.json"))
        return CameraSource(wanted, manifest["driver"])

    def run(self):
        """Look until it is stopped (0) or another release is current (SWITCHED)."""
        for output in self.outputs:
            output.start()
        self.wait_for_release()
        if self.stopped:
            return 0
        self.tell(force=True)
        predictor = self.predictor()
        if self.config.get("score") is not None:
            predictor.score = self.config["score"]
        source = self.source(predictor)
        print(f"release {self.release}, {predictor.driver.engine}", flush=True)
        for name, picture, path in source.pictures():
            began = time.monotonic()
            self.look(predictor, source, name, picture, path)
            self.tell()
            if self.stopped or self.now() != self.release:
                break
            pause = (self.config.get("every_ms") or 0) / 1000 - (time.monotonic() - began)
            time.sleep(max(LEAST_PAUSE, pause))
        return 0 if self.stopped else SWITCHED

    def look(self, predictor, source, name, picture, path):
        try:
            fields = answer(predictor, source, picture, path)
        except Exception as error:
            if getattr(error, "code", "") != "bad-image":
                raise
            self.failed += 1
            self.problem = f"{name} cannot be read"
            return
        self.frames += 1
        self.ms = fields["ms"]
        if self.config.get("only_changes") and seen_in(fields) == self.last:
            return
        self.last = seen_in(fields)
        head = {"time": round(time.time(), 3), "release": self.release, "frame": self.frames}
        line = json.dumps(dict(head, **({"image": name} if name else {}), **fields), ensure_ascii=False)
        self.recent.append(line[:500])
        for output in self.outputs:
            output.put(line.encode("utf-8"))

    def finish(self):
        for output in self.outputs:
            if output.is_alive():
                output.finish(FINISH_SECONDS)
        self.tell(force=True)


def seen_in(fields):
    """What is seen, without scores and places: the class, or how many boxes of each class."""
    if "boxes" not in fields:
        return fields.get("label")
    return sorted(collections.Counter(box["label"] for box in fields["boxes"]).items())


def check(root):
    """Predict the golden images as pictures of a folder; return how many differ from what is expected."""
    release = os.path.realpath(os.path.join(root, "current"))
    golden = {one["image"]: one for one in read_json(os.path.join(release, "manifest.json"))["golden"]}
    predictor, wrong = cameras.Predictor(release), 0
    for image, expected in sorted(golden.items()):
        found, ms = predictor.driver.predict(os.path.join(release, *image.split("/")))
        differs = predictor.task.differs(found, expected)
        wrong += bool(differs)
        fields = predictor.task.named(found, predictor.names)
        line = json.dumps(dict(fields, image=image, differs=differs, ms=round(ms, 2)))
        print("\n" + line, flush=True)  # libraries print without a newline
    return wrong


def main(argv):
    root = os.path.dirname(HERE)
    if argv[:1] == ["--check"]:
        return 1 if check(root) else 0
    app = None
    try:
        app = App(read_config(argv[0] if argv else os.path.join(HERE, "config.json")), root)
        signal.signal(signal.SIGTERM, app.stop)
        return app.run()
    except Exception as error:
        message = getattr(error, "message", None)
        text = message["id"].format(**message["params"]) if message else str(error) or repr(error)
        if not isinstance(error, AppError) and message is None:
            traceback.print_exc()
        print(text, flush=True)
        if app:
            app.problem = text
        return 1
    finally:
        if app:
            app.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
