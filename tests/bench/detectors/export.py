"""``python -m tests.bench.detectors.export FOLDER CLASSES [NAME…]``, in the training environment.

Writes the slim ONNX file of each detection recipe at each of its sizes, untrained, as
``FOLDER/<recipe>-<width>x<height>.onnx``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from workers.contract import JobFolder
from workers.train.onnx_files import make_onnx
from workers.train.parameters import Plan
from workers.train.program import redirect_caches
from workers.train.tasks import TASKS
from workers.train.yaml_files import CONFIGS, load_yaml, write_yaml

TASK = TASKS["detection"]
INITIAL = """
import adapt; adapt.prepare(); config, _ = adapt.read_arguments()
import paddle; from ppdet.core.workspace import create
paddle.save(create(config["architecture"]).state_dict(), config["weights"])
"""


def main() -> None:
    folder, classes = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    redirect_caches(folder / "scratch")
    for path in sorted((CONFIGS / "models").glob("*.yaml")):
        recipe = load_yaml(path)
        for size in recipe["input_sizes"] if recipe["task"] == TASK.name else ():
            name = "{}-{}x{}".format(path.stem, *size)
            if not sys.argv[3:] or {path.stem, name} & set(sys.argv[3:]):
                export(folder, name, plan_of(recipe, size, classes))


def plan_of(recipe: dict, size: list[int], classes: int) -> Plan:
    names = [str(number) for number in range(classes)]
    return Plan(TASK.name, Path("."), recipe, names, tuple(size), 10, 8, 0.01, recipe["augmentation"], 0,
                "cpu", train_images=80, val_images=8)  # fmt: skip


def export(folder: Path, name: str, plan: Plan) -> None:
    job = JobFolder(folder / name)
    job.artifacts.mkdir(parents=True)
    suite = TASK.suite.link(job.scratch) / TASK.suite.name
    config = TASK.suite_configuration(plan, job.scratch)
    write_yaml(job.scratch / "suite.yaml", config | {"weights": str(job.scratch / "initial.pdparams")})
    inference = job.scratch / "inference"
    arguments = ["-c", str(job.scratch / "suite.yaml"), "--output_dir", str(inference)]
    initial = ["-c", "import sys; sys.path.insert(0, 'tools')\n" + INITIAL]
    for program in (initial, ["tools/export_model.py"]):
        subprocess.run([sys.executable, *program, *arguments], cwd=suite, check=True, stdout=sys.stderr)
    make_onnx(job, inference, plan.input_size, TASK)
    os.rename(job.artifacts / "model.slim.onnx", folder / f"{name}.onnx")


if __name__ == "__main__":
    main()
