"""``python -m tests.bench.hand.configure FOLDER``, in the training environment: what a person has already.

Of the training that ``FOLDER/spec.json`` describes, writes PaddleX's configuration into
``FOLDER/paddlex.yaml`` and links the suite into ``FOLDER/repos``, with Paddle's own operators.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from workers.train.configuration import write_configurations
from workers.train.plan import read_plan
from workers.train.suite import LAUNCHERS
from workers.train.tasks import TASKS

TOOLS = Path(__file__).resolve().parent / "tools"


def main() -> None:
    folder = Path(sys.argv[1])
    plan = read_plan(json.loads((folder / "spec.json").read_text(encoding="utf-8")))
    task, output = TASKS[plan.task], folder / "output"
    output.mkdir()
    tools = task.suite.link(folder, plan) / task.suite.name / "tools"
    tools.unlink()
    tools.mkdir()
    for file in [*(LAUNCHERS / task.suite.distribution).glob("*.py"), *TOOLS.glob("*.py")]:
        shutil.copyfile(file, tools / file.name)  # Python looks beside the file that a link names
    write_configurations(plan, task.suite_configuration(plan, output), folder, output, None)


if __name__ == "__main__":
    main()
