"""Runs a model on a board. Python 3.8+, its standard library and the board's own library.

    python runner.py [--release DIR] answer [--list FILE] [--score SCORE] [IMAGE ...]
    python runner.py [--release DIR] check

The release folder defaults to the one of this file, which also holds ``drivers.py`` and ``tasks.py``. It
prints messages as described in ``drivers.py``: ``answer`` (one per image), ``done`` (the last) or ``error``
(fatal, exit status 1).

Boxes with a lower score than SCORE are left out. Images given by name are shown to a person: SCORE defaults
to the score chosen for the release. A list comes from the portal, which wants every box: its default is 0.
"""

import argparse
import hashlib
import json
import os
import signal
import sys
import time

sys.dont_write_bytecode = True  # a release holds only what its manifest names

from drivers import DRIVERS, RunnerError, emit, msg, shown  # noqa: E402
from tasks import TASKS  # noqa: E402

# A board's library may hang, and the portal gives up then. The runner that stays would keep the NPU, and the
# memory that the next one needs, so that the system ends it: it also can while native code runs.
SILENT_SECONDS = 360  # more than the portal waits


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


def read_manifest(release):
    try:
        with open(os.path.join(release, "manifest.json"), encoding="utf-8") as stream:
            manifest = json.load(stream)
    except (OSError, ValueError) as error:
        message = msg("The release folder {release} has no readable manifest ({error}): deploy again.",
                      release=shown(release), error=error)  # fmt: skip
        raise RunnerError("bad-release", message) from error
    known = manifest.get("driver") in DRIVERS and manifest.get("task") in TASKS
    if manifest.get("schema") != 1 or not known:
        raise RunnerError("bad-release", msg("This release is for another version of Slipway: deploy again."))
    return manifest


def verify(release, manifest):
    for name, facts in sorted(manifest["files"].items()):
        path = os.path.join(release, *name.split("/"))
        if not os.path.isfile(path) or sha256_of(path) != facts["sha256"]:
            message = msg("{name} of the release is missing or damaged: deploy again.", name=name)
            raise RunnerError("bad-release", message)


class Predictor:
    """A release's model, loaded."""

    def __init__(self, release, manifest):
        self.driver, self.task = DRIVERS[manifest["driver"]](), TASKS[manifest["task"]]
        self.names = manifest["class_names"]
        start = time.perf_counter()
        self.driver.load(os.path.join(release, "model.rknn"), manifest, self.task)
        self.load_ms = round((time.perf_counter() - start) * 1000, 1)

    def predict(self, name, path, score=0):
        """Print the prediction for an image, and return it; None for an unreadable one."""
        signal.alarm(SILENT_SECONDS)
        try:
            found, ms = self.driver.predict(path)
        except RunnerError as error:
            if error.code != "bad-image":
                raise
            emit(type="answer", image=name, error=error.message)
            return None
        fields = self.task.named(self.task.from_score(found, score), self.names)
        emit(type="answer", image=name, task=self.task.name, ms=round(ms, 3), **fields)
        return found

    def done(self, answered, failed):
        emit(type="done", answered=answered, failed=failed, load_ms=self.load_ms, engine=self.driver.engine)


def predict(release, manifest, images, score):
    predictor = Predictor(release, manifest)
    answered = sum(predictor.predict(shown(name), path, score) is not None for name, path in images)
    predictor.done(answered, len(images) - answered)


def check(release, manifest):
    verify(release, manifest)
    predictor, wrong = Predictor(release, manifest), []
    for golden in manifest["golden"]:
        found = predictor.predict(golden["image"], os.path.join(release, *golden["image"].split("/")))
        if differs := predictor.task.differs(found, golden):
            wrong.append(f"{golden['image']}: {differs}")
    if wrong:
        raise RunnerError("golden-mismatch", msg(
            "The board does not predict the golden images as the int8 model did ({wrong}): check the chip "
            "and the channel order of the board's profile, and its runtime version.", wrong="; ".join(wrong),
        ))  # fmt: skip
    predictor.done(len(manifest["golden"]), 0)


def read_list(path):
    """``(name, path)`` of each line; names are relative to the list's own folder."""
    try:
        with open(path, "rb") as stream:
            names = [os.fsdecode(line) for line in stream.read().split(b"\n") if line.strip()]
    except OSError as error:
        message = msg("The list of images {path} cannot be read ({error}): send them again.",
                      path=shown(path), error=error)  # fmt: skip
        raise RunnerError("bad-list", message) from error
    return [(name, os.path.join(os.path.dirname(path), name)) for name in names]


def parse(argv):
    parser = argparse.ArgumentParser(prog="runner.py")
    parser.add_argument("--release", default=os.path.dirname(os.path.abspath(__file__)))
    commands = parser.add_subparsers(dest="command", required=True)
    asking = commands.add_parser("answer")
    asking.add_argument("--list")
    asking.add_argument("--score", type=float)
    asking.add_argument("images", nargs="*")
    commands.add_parser("check")
    return parser.parse_args(argv)


def run(options):
    manifest = read_manifest(options.release)
    if options.command == "check":
        return check(options.release, manifest)
    images = [(os.path.basename(path), path) for path in options.images]
    images += read_list(options.list) if options.list else []
    score = options.score
    if score is None:
        score = 0 if options.list else manifest.get("score_threshold", 0)
    return predict(options.release, manifest, images, score)


def main(argv=None):
    options = parse(argv)
    signal.alarm(SILENT_SECONDS)
    try:
        run(options)
    except RunnerError as error:
        emit(type="error", code=error.code, message=error.message)
        return 1
    except Exception as error:
        sys.excepthook(*sys.exc_info())
        message = msg("The runner on the board stopped ({error}): restart the board and deploy again.",
                      error=repr(error))  # fmt: skip
        emit(type="error", code="unexpected", message=message)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
