"""Inspects and compiles every model of a folder: ``python -m tests.bench.own_models FOLDER [--json]``.

For each ``.onnx`` and ``.zip`` it prints a row of a Markdown table: what the inspection says, whether the
model was built for the chip, and the estimates of cycles and memory beside those of the build; with
``--json``, a line of JSON instead. ``--chip`` names another chip than rv1106. Calibration
and measuring use noise, so accuracies mean nothing; labels are numbers. Anybody's models can be tried.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import yaml
from PIL import Image

from workers.contract.messages import Decoder, Encoder

ROOT = Path(__file__).parents[2]
TRAIN, CONVERT = (ROOT / f"workers/{name}/.venv/bin/python" for name in ("train", "convert"))
IMAGES, SECONDS = 8, 1800
COLUMNS = ("model", "outcome", "what", "million cycles, estimate / build", "MB, estimate / build", "s")


def job(folder: Path, python: Path, module: str, kind: str, inputs: dict, params: dict) -> dict:
    """The result of a worker program; what it said last if it wrote none."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    spec = {"schema": 1, "kind": kind, "inputs": inputs, "params": params}
    (folder / "spec.json").write_text(json.dumps(spec, cls=Encoder), encoding="utf-8")
    argv = [str(python), "-m", module, str(folder)]
    try:
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return {"ok": False, "message": f"{kind} took longer than {SECONDS} seconds"}
    result = folder / "result.json"
    if not result.is_file():
        return {"ok": False, "message": f"no result: {done.stderr.strip()[-200:]}"}
    return json.loads(result.read_text(encoding="utf-8"), cls=Decoder)


def noise(folder: Path, size: list[int], task: str) -> None:
    """A staged dataset of two classes without meaning."""
    (folder / "images").mkdir(parents=True)
    names = [f"images/{number}.png" for number in range(IMAGES)]
    for number, name in enumerate(names):
        Image.effect_noise(tuple(size), 40 + 10 * number).convert("RGB").save(folder / name)
    for split in ("train", "val"):
        lines = "".join(f"{name} {number % 2}\n" for number, name in enumerate(names))
        (folder / f"{split}.txt").write_text(lines)
        if task == "detection":
            _boxes(folder, split, names, size)


def _boxes(folder: Path, split: str, names: list[str], size: list[int]) -> None:
    width, height = size
    images = [
        {"id": one, "file_name": name.removeprefix("images/"), "width": width, "height": height}
        for one, name in enumerate(names)
    ]
    boxes = [
        {"id": one, "image_id": one, "category_id": 0, "bbox": [2, 2, 20, 20], "area": 400, "iscrowd": 0}
        for one in range(len(names))
    ]
    (folder / "annotations").mkdir(exist_ok=True)
    content = {"images": images, "annotations": boxes, "categories": [{"id": 0, "name": "0"}]}
    (folder / f"annotations/instance_{split}.json").write_text(json.dumps(content))


def tried(model: Path, chip: dict, place: Path) -> list[str]:
    """The cells of a model's row."""
    found = job(
        place / "inspect", TRAIN, "workers.intake", "inspect-model", {"file": str(model)}, {"chips": [chip]}
    )
    if not found["ok"] or found["refusal"]:
        return ["refused", str(found.get("refusal") or found["message"]), "", "", ""]
    size, classes, task = found["input_size"], found["classes"], found["task"]
    labels = [str(number) for number in range(classes)]
    params = {
        "task": task, "class_names": labels, "input_size": size, "channel_order": "rgb",
        "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
    }  # fmt: skip
    made = job(place / "import", TRAIN, "workers.intake", "import-model",
               {"onnx": str(place / "inspect/artifacts/source.onnx")}, params)  # fmt: skip
    if not made["ok"]:
        return ["refused", str(made["message"]), "", "", ""]
    shutil.rmtree(place / "dataset", ignore_errors=True)
    noise(place / "dataset", size, task)
    began = time.monotonic()
    built = job(
        place / "convert", CONVERT, "workers.convert", "convert",
        {"onnx": str(place / "import/artifacts/model.slim.onnx"), "dataset": str(place / "dataset")},
        {**params, "chip": chip, "channel_order": chip["channel_order"], "provenance": {},
         "calibration": {"count": IMAGES}},
    )  # fmt: skip
    told, network = found["chips"][0], f"{task}, {classes} classes, {size[0]}×{size[1]}"
    if not built["ok"]:
        words = str(built["message"])
        foreseen = "foreseen" if told["problems"] else "not foreseen"
        return ["refused by the build", f"{network}: {words} ({foreseen})", "", "", ""]
    cost = built["cost"]
    memory = (cost["weight_bytes"] or 0) + (cost["feature_bytes"] or 0)
    network += f", {found['detector']}" if found["detector"] else ""
    note = f"{network}{' (a problem was foreseen)' if told['problems'] else ''}"
    cycles = f"{told['cycles'] / 1e6:.2f} / {cost['cycles'] / 1e6:.2f}"
    megabytes = f"{told['memory_bytes'] / 2**20:.1f} / {memory / 2**20:.1f}"
    return ["compiled", note, cycles, megabytes, f"{time.monotonic() - began:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--chip", default="rv1106")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    chip = yaml.safe_load((ROOT / f"configs/chips/{given.chip}.yaml").read_text(encoding="utf-8"))
    if not given.json:
        print("| " + " | ".join(COLUMNS) + " |\n" + "| --- " * len(COLUMNS) + "|", flush=True)
    models = sorted(one for one in given.folder.rglob("*") if one.suffix in (".onnx", ".zip"))
    for model in models:
        with tempfile.TemporaryDirectory() as place:
            cells = tried(model, chip, Path(place))
        name = f"{model.relative_to(given.folder)} ({model.stat().st_size / 1e6:.1f} MB)"
        row = dict(zip(COLUMNS, [name, *cells], strict=True))
        print(json.dumps(row) if given.json else f"| {' | '.join(row.values())} |", flush=True)


if __name__ == "__main__":
    main()
