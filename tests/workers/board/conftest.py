"""A release folder and a pretended vendor library: what ``runner.py`` meets on a board."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from portal.deployment.release import PROGRAMS
from workers.contract.messages import Decoder

WORKERS = Path(__file__).resolve().parents[3] / "workers"
MARK = "@@SLIPWAY@@"
# Another Python may be named, to try the oldest that boards have.
PYTHON = os.environ.get("BOARD_PYTHON", sys.executable)

# The pretended library answers with the first byte of the picture's file. It prints its noise as the
# real one does: from native code, to the file descriptor.
LIBRARY = {
    "__init__.py": "import os\nos.write(1, b'LockzhinerVisionModuleLibrary Version: 0.0.6\\n')\n",
    "cv2.py": """
class Mat:
    def __init__(self, data): self.data = data
    def empty(self): return not self.data
def imread(path):
    with open(path, 'rb') as stream: return Mat(stream.read())
""",
    "vision.py": """
import os
class Result:
    def __init__(self, label_id): self.label_id, self.score = label_id, 0.75
class PaddleClas:
    def initialize(self, path):
        os.write(1, b'E RKNN: loading without a newline')
        with open(path, 'rb') as stream: data = stream.read()
        if data.startswith(b'bad'):
            os.write(2, b'E RKNN: ' + data[4:] + b'\\n')
            return False
        if data == b'crash': raise ValueError('a surprise')
        return True
    def predict(self, mat):
        os.write(1, b'noise from predict')
        return Result(int(mat.data[:1]))
class Rect:
    def __init__(self, *sides): self.x, self.y, self.width, self.height = sides
class Found:
    def __init__(self, label_id, score, *sides):
        self.label_id, self.score, self.box = label_id, score, Rect(*sides)
class PaddleDet:
    least = 0.5
    def initialize(self, path):
        self.loaded = getattr(self, 'loaded', 0) + 1
        with open(path, 'rb') as stream: self.model = stream.read()
        return True
    def set_threshold(self, score_threshold=0.5, nms_threshold=0.3):
        if self.model == b'refuses': return self.initialize(score_threshold, nms_threshold)
        self.least = score_threshold
    def predict(self, mat):
        assert self.loaded == (2 if self.model == b'refuses' else 1)
        found = [Found(1, 0.2, 5, 6, 7, 8), Found(2, 0.9, 1, 2, 30, 40), Found(9, 0.4, 0, 0, 5, 5)]
        return [one for one in found if one.score >= self.least]
""",
}


class Board:
    """A folder with a release; ``run`` starts the runner in it and returns messages and status."""

    def __init__(self, folder: Path):
        self.release = folder / "发布 1"
        self.libraries = folder / "libraries"
        self.release.mkdir()
        (self.libraries / "lockzhiner_vision_module").mkdir(parents=True)
        for name, text in LIBRARY.items():
            (self.libraries / "lockzhiner_vision_module" / name).write_text(text, "utf-8")
        for path in PROGRAMS:
            shutil.copy(WORKERS / path, self.release)
        self.fill(b"model")

    def fill(self, model: bytes, expected: int = 2, **changes) -> None:
        (self.release / "model.rknn").write_bytes(model)
        (self.release / "golden").mkdir(exist_ok=True)
        (self.release / "golden" / "0.png").write_bytes(b"2")
        files = {
            name: {"sha256": hashlib.sha256((self.release / name).read_bytes()).hexdigest()}
            for name in ("model.rknn", "golden/0.png", *(Path(path).name for path in PROGRAMS))
        }
        manifest = {
            "schema": 1,
            "task": "classification",
            "driver": "lockzhiner",
            "files": files,
            "input_size": [8, 8],
            "channel_order": "bgr",
            "class_names": ["零", "one", "two"],
            "golden": [{"image": "golden/0.png", "label_id": expected}],
            **changes,
        }
        (self.release / "manifest.json").write_text(json.dumps(manifest), "utf-8")

    def run(self, *arguments, library=True, stdin=None, program="runner.py"):
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        if library:
            environment["PYTHONPATH"] = str(self.libraries)
        argv = [PYTHON, self.release / program] if stdin is None else [PYTHON, "-"]
        done = subprocess.run(
            [*argv, *arguments], input=stdin, env=environment, cwd=self.release.parent, capture_output=True
        )
        lines = done.stdout.decode("utf-8").splitlines()
        messages = [json.loads(line[len(MARK) :], cls=Decoder) for line in lines if line.startswith(MARK)]
        return messages, done.returncode


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path)
