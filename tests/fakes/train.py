"""Speaks the contract of ``workers.train`` in a second. Its figures mean nothing.

``params.class_names`` steers it: a class named ``fake: fail`` fails as a toolchain would, ``fake: hang``
waits to be killed, ``fake: crash`` ends without a result.
"""

import sys
import time
from pathlib import Path

from tests.fakes import tasks
from workers import contract

EPOCHS = 3


def main(folder, spec):
    params, metric = spec["params"], tasks.of(spec).metric
    wishes = {name for name in params["class_names"] if name.startswith("fake:")}
    print("fake training on", spec["inputs"]["dataset"], flush=True)
    if earlier := spec["inputs"]["resume"]:
        print("goes on from", max(Path(earlier).rglob("epoch_*.pdparams")).read_text(), flush=True)
    with folder.tool("paddlex"):
        for epoch in range(1, EPOCHS + 1):
            folder.phase(f"epoch {epoch}/{EPOCHS}")
            folder.progress(epoch, EPOCHS)
            for step in range(1, 6):
                at = (epoch - 1) * 5 + step
                folder.metric(at, "train/loss", 2.0 / at)
                folder.metric(at, f"train/{metric}", 1 - 1.0 / at)
                folder.metric(at, "train/lr", 0.01 / epoch)
                folder.metric(at, "train/ips", 190.0)
            folder.metric(epoch, f"val/{metric}", 0.9 + 0.02 * epoch)
            print(f"[Eval][Epoch {epoch}] {metric}: {0.9 + 0.02 * epoch}", flush=True)
            saved = folder.scratch / "output" / f"epoch_{epoch}.pdparams"
            saved.parent.mkdir(exist_ok=True)
            saved.write_text(f"epoch {epoch}")
            folder.checkpoint([saved])
            time.sleep(0.05)
        while "fake: hang" in wishes:
            time.sleep(0.1)
    if "fake: fail" in wishes:
        raise contract.ToolchainError("PaddleX stopped: the loss became NaN. Use a smaller learning rate.")
    if "fake: crash" in wishes:
        sys.exit(3)
    for name in (
        "best_model.pdparams",
        "inference.json",
        "inference.pdiparams",
        "model.onnx",
        "model.slim.onnx",
    ):
        (folder.artifacts / name).write_bytes(f"fake {name}".encode())
    (folder.artifacts / "labels.txt").write_text("".join(f"{name}\n" for name in params["class_names"]))
    return result(folder, spec)


def result(folder, spec):
    params = spec["params"]
    task = tasks.of(spec)
    predictions = task.predictions(Path(spec["inputs"]["dataset"]))
    metrics = task.metrics(predictions, params["class_names"], 0.96)
    return {
        "evaluations": [folder.evaluation("paddle", "fake", predictions, metrics)],
        "best_epoch": EPOCHS,
        "epochs": EPOCHS,
        "recipe": params["recipe"]["name"],
        "input_name": "x",
        "input_size": params["input_size"],
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "cut_tensor": "fake",
        "notices": [params["pretrained_notice"]] if params["pretrained_notice"] else [],
        "opset": 13,
        "versions": {"paddlex": "fake"},
    }


if __name__ == "__main__":
    sys.exit(contract.run(main))
