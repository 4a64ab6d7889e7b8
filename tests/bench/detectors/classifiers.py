"""``python -m tests.bench.detectors.classifiers FOLDER CLASSES [NAME…]``, in the training environment.

Writes the slim ONNX file of each classification recipe at each of its sizes, untrained, as
``FOLDER/<recipe>-<width>x<height>.onnx``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from workers.contract import JobFolder
from workers.train.networks import add_newer
from workers.train.onnx_files import make_onnx
from workers.train.program import redirect_caches
from workers.train.suite import PADDLECLAS
from workers.train.tasks import TASKS
from workers.train.yaml_files import CONFIGS, load_yaml

TASK = TASKS["classification"]


def main() -> None:
    folder, classes = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    redirect_caches(folder / "scratch")
    sys.path.insert(0, str(PADDLECLAS.link(folder / "scratch") / PADDLECLAS.name))
    for path in sorted((CONFIGS / "models").glob("*.yaml")):
        recipe = load_yaml(path)
        for size in recipe["input_sizes"] if recipe["task"] == TASK.name else ():
            name = "{}-{}x{}".format(path.stem, *size)
            if not sys.argv[3:] or {path.stem, name} & set(sys.argv[3:]):
                export(folder, name, recipe["architecture"], size, classes)


def export(folder: Path, name: str, architecture: str, size: list[int], classes: int) -> None:
    import paddle  # noqa: TID251 - it runs in the training environment
    import ppcls.arch

    add_newer(ppcls.arch)
    job = JobFolder(folder / name)
    inference, (width, height) = job.scratch / "inference", size
    for made in (job.artifacts, inference):
        made.mkdir(parents=True)
    # Some networks name their own parameters, and names must be unique.
    with paddle.utils.unique_name.guard(name):
        network = ppcls.arch.build_model({"Arch": {"name": architecture, "class_num": classes}})
    whole = paddle.nn.Sequential(network, paddle.nn.Softmax(axis=-1))
    whole.eval()
    for layer in network.sublayers():
        if hasattr(layer, "rep"):  # as the suite's export merges parallel branches
            layer.rep()
    form = paddle.static.InputSpec([None, 3, height, width], "float32", name="x")
    paddle.jit.save(paddle.jit.to_static(whole, [form], full_graph=True), str(inference / "inference"))
    make_onnx(job, inference, (width, height), TASK)
    os.rename(job.artifacts / "model.slim.onnx", folder / f"{name}.onnx")


if __name__ == "__main__":
    main()
