"""Runs the worker programs on scikit-learn's digits without a portal, for benches of what they make."""

from __future__ import annotations

import json
import os
import random
import subprocess
import zipfile
from pathlib import Path

from workers.contract.messages import Decoder
from workers.contract.splits import TEST, TRAIN, VAL

ROOT = Path(__file__).resolve().parents[2]
CLASSES = [str(number) for number in range(10)]
SAMPLE = ROOT / "portal/datasets/samples/digits.zip"


def books(recipe: str, chip: str) -> tuple[dict, dict]:
    """What ``configs/`` says of a recipe and a chip."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from portal.core import configs

    return configs.as_dict(configs.recipes()[recipe]), configs.as_dict(configs.chips()[chip])


def stage_digits(
    folder: Path, skip: int = 0, labelled: int = 0, choosing: int = 0, seed: int = 0, split: int = 0
) -> Path:
    """Stage the digits in ``folder/digits``, a fifth of them, chosen by ``split``, held out for measuring.

    They also choose the best epoch, unless ``choosing`` other images of each class do. Of each class, the
    first ``skip`` training images are left out and ``labelled`` are kept; 0 keeps all. The others lie in
    ``folder/unlabelled/images``.
    """
    dataset, rest = folder / "digits", folder / "unlabelled"
    with zipfile.ZipFile(SAMPLE) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))
        archive.extractall(dataset / "images", names)
    random.Random(split).shuffle(names)
    held_out, others = names[: len(names) // 5], names[len(names) // 5 :]
    random.Random(seed).shuffle(others)
    of_classes = [[name for name in others if name.startswith(f"{label}/")] for label in CLASSES]
    parts = {VAL: held_out}
    if choosing:
        parts = {TEST: held_out, VAL: [name for own in of_classes for name in own[-choosing:]]}
        of_classes = [own[:-choosing] for own in of_classes]
    last = skip + labelled if labelled else None
    parts[TRAIN] = [name for own in of_classes for name in own[skip:last]]
    for part, chosen in parts.items():
        rows = "".join(f"images/{name} {name.split('/')[0]}\n" for name in chosen)
        (dataset / f"{part}.txt").write_text(rows, encoding="utf-8")
    (dataset / "label.txt").write_text("".join(f"{name} {name}\n" for name in CLASSES), encoding="utf-8")
    (rest / "images").mkdir(parents=True)
    for name in [name for own in of_classes for name in own[last:]] if last else []:
        (rest / "images" / name.replace("/", "-")).write_bytes((dataset / "images" / name).read_bytes())
    return dataset


def train(job: Path, dataset: Path, recipe: str = "pp_lcnet_x0_25", **changes) -> dict:
    """Run the training program in the folder ``job``; return its result.

    Of ``changes``, those named like an input replace that, all others a parameter.
    """
    book, _ = books(recipe, "rv1106")
    inputs = {"dataset": str(dataset)} | dict.fromkeys(("pretrained", "resume", "unlabelled", "teacher"))
    inputs |= {name: str(changes.pop(name)) for name in tuple(changes) if name in inputs}
    params = {
        "task": book["task"],
        "recipe": book,
        "num_classes": len(CLASSES),
        "class_names": CLASSES,
        "input_size": [64, 64],
        "epochs": 12,
        "batch_size": 16,
        "learning_rate": 0.05,
        "augmentation": "symbols",
        "seed": 0,
        "checkouts": {},
        "device": "cpu",
        "pretrained_notice": "",
        "method": None,
        **changes,
    }
    return run("train", job, inputs, params)


def convert(
    job: Path, dataset: Path, trained: Path, chip: str = "rv1106", images: int = 100, **changes
) -> dict:
    """Run the conversion program on what the job in ``trained`` made; return its result.

    ``changes`` replace parameters.
    """
    facts = json.loads((trained / "result.json").read_text(encoding="utf-8"), cls=Decoder)
    _, book = books(facts["recipe"], chip)
    params = {
        "task": facts["task"],
        "chip": book,
        "channel_order": "rgb",
        **{name: facts[name] for name in ("mean", "std", "input_size")},
        "class_names": CLASSES,
        "calibration": {"count": images, "seed": 0},
        "quantization": {"dtype": None, "algorithm": "normal"},
        "provenance": {},
        **changes,
    }
    inputs = {"onnx": str(trained / "artifacts" / "model.slim.onnx"), "dataset": str(dataset)}
    return run("convert", job, inputs, params)


def run(program: str, job: Path, inputs: dict, params: dict) -> dict:
    """Run a worker program on a new job folder; raise RuntimeError with what it says where it fails."""
    job.mkdir(parents=True)
    spec = {"schema": 1, "kind": program, "inputs": inputs, "params": params}
    (job / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    python = os.environ.get(f"{program.upper()}_PYTHON", str(ROOT / f"workers/{program}/.venv/bin/python"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (job / "log.txt").open("wb") as log:
        argv = [python, "-m", f"workers.{program}", str(job)]
        subprocess.run(argv, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False)
    result = json.loads((job / "result.json").read_text(encoding="utf-8"), cls=Decoder)
    if not result["ok"]:
        raise RuntimeError(f"{job}: {result['message']}")
    return result


def parameters(job: Path) -> dict:
    """The parameters that a job was given."""
    return json.loads((job / "spec.json").read_text(encoding="utf-8"))["params"]


def metric(result: dict, stage: str, name: str = "top1") -> float:
    """Per cent, of one stage of a result."""
    return round(
        next(100 * row["metrics"][name] for row in result["evaluations"] if row["stage"] == stage), 2
    )
