"""``python -m tests.bench.detectors.coco_map JOB WEIGHTS``, in the training environment.

Prints the mAP that PaddleX itself gives weights of a finished training job, by pycocotools, with the
suite's own reading of images, decoding and non-maximum suppression.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from workers.train.plan import read_plan
from workers.train.program import redirect_caches
from workers.train.tasks import TASKS
from workers.train.yaml_files import write_yaml

AVERAGE = re.compile(r"\(AP\) @\[ IoU=0\.50:0\.95 \| area= *all \| maxDets=100 \] = (-?[\d.]+)")


def main() -> None:
    plan = read_plan(json.loads((Path(sys.argv[1]) / "spec.json").read_text(encoding="utf-8")))
    task = TASKS[plan.task]
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        redirect_caches(scratch)
        suite = task.suite.link(scratch, plan) / task.suite.name
        config = task.suite_configuration(plan, scratch) | {"weights": str(Path(sys.argv[2]).resolve())}
        write_yaml(scratch / "suite.yaml", config)
        argv = [sys.executable, "tools/eval.py", "-c", str(scratch / "suite.yaml")]
        done = subprocess.run(argv, cwd=suite, check=True, stdout=subprocess.PIPE, text=True)
    print(AVERAGE.findall(done.stdout)[-1])


if __name__ == "__main__":
    main()
