"""``python -m workers.train.check``: is this environment able to train? Run once at set-up.

Imports everything a job imports, in processes like a job's. That finds a broken installation before the
first job does, and leaves compiled files behind: without them each job starts ten seconds later.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from workers.contract import ProgramError
from workers.train.program import PACKAGES, keep_to, version
from workers.train.suite import link_suite

ENGINE = "import workers.train.engine as e, sys, pathlib; e.load_paddlex(pathlib.Path(sys.argv[1]))"
SUITE = "import sys; sys.path.insert(0, 'tools'); import adapt; adapt.prepare(); import ppcls.engine.engine"
FINISH = "import paddle.inference, paddle2onnx, onnx, onnxslim, onnxruntime, cv2"


def main() -> int:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as scratch:
        keep_to(Path(scratch))
        try:
            suites = link_suite(Path(scratch), None)
        except ProgramError as error:
            print(error, file=sys.stderr)
            return 1
        steps = (
            (["-c", ENGINE, str(suites)], None),
            (["-c", SUITE], suites / "PaddleClas"),
            (["-c", FINISH], None),
        )
        for arguments, folder in steps:
            done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)
            if done.returncode:
                print(done.stderr, file=sys.stderr)
                return 1
    print("training worker:", ", ".join(f"{package} {version(package)}" for package in PACKAGES))
    return 0


if __name__ == "__main__":
    sys.exit(main())
