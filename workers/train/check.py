"""``python -m workers.train.check``: checks that this environment can train. Run once at set-up.

Imports everything that a job imports, in processes like a job's. That finds a broken installation before the
first job does, and leaves compiled files behind: without them, each job starts ten seconds later.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from workers.contract import ProgramError
from workers.train.program import PACKAGES, redirect_caches, version
from workers.train.suite import PADDLECLAS, PADDLEDET, Suite

ROOT = Path(__file__).resolve().parents[2]
ENGINE = "import workers.train.engine as e, sys, pathlib; e.load_paddlex(pathlib.Path(sys.argv[1]))"
FINISH = "import paddle.inference, paddle2onnx, onnx, onnxslim, onnxruntime, cv2"


def importing(suite: Suite) -> str:
    """Return code that imports a suite's engine in the suite's folder, as its launchers do."""
    module = suite.engine.removesuffix(".py").replace("/", ".")
    return f"import sys; sys.path.insert(0, 'tools'); import adapt; adapt.prepare(); import {module}"


def main() -> int:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as scratch:
        redirect_caches(Path(scratch))
        try:
            folders = {suite.link(Path(scratch)) / suite.name: suite for suite in (PADDLECLAS, PADDLEDET)}
        except ProgramError as error:
            print(error, file=sys.stderr)
            return 1
        steps = (
            (["-c", ENGINE, str(next(iter(folders)).parent)], None),
            *((["-c", importing(suite)], folder) for folder, suite in folders.items()),
            (["-c", FINISH], None),
        )
        for arguments, folder in steps:
            argv, environment = [sys.executable, *arguments], {**os.environ, "PYTHONPATH": str(ROOT)}
            done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True)
            if done.returncode:
                print(done.stderr, file=sys.stderr)
                return 1
    print("training worker:", ", ".join(f"{package} {version(package)}" for package in PACKAGES))
    return 0


if __name__ == "__main__":
    sys.exit(main())
