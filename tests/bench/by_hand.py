"""Measures the main job against the same tools called by hand.

    .venv/bin/python -m tests.bench.by_hand [--seeds N]

For each seed (default 1) the digits are taken to the answers of a chip twice, one way after the other on the
same images and with the same parameters, those of the preset ``fast``:

- Slipway: ``client.run`` in a portal of its own, from the accepted upload to the virtual board's answers; the
  watch time that follows them on a board is set to 0, for nobody who works by hand watches;
- by hand: a process each for PaddleX's training and its export, ``paddle2onnx``, ``onnxslim``, and a script
  that builds with rknn-toolkit2 and asks its simulator. What a person types and moves takes no time. Each has
  a session of its own, as the portal's programs have: Linux shares its processors among sessions.

The kernels of trainings are compiled before, as at set-up: without that, Slipway takes half a minute longer.

Prints one JSON object as its last line: ``ratio`` is Slipway's seconds to those by hand, the median over the
seeds; ``int8_top1`` are the per cent of right answers of either way; ``load`` is the machine's load average
before and after. Measure on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from slipway import Client

from tests.bench.detector_costs import ROOT, run
from tests.bench.serving import Portal, serving

ARCHIVE = ROOT / "portal" / "datasets" / "samples" / "digits.zip"
PYTHON = Path(os.environ.get("TRAIN_PYTHON", ROOT / "workers" / "train" / ".venv" / "bin" / "python"))
PRESET, CALIBRATION_IMAGES, INPUT = "fast", 100, "x:1,3,64,64"


def by_slipway(client: Client, device: dict, seed: int) -> tuple[float, float, dict]:
    """Return the seconds, int8's top-1 and the run."""
    begun = time.monotonic()
    version = client.upload(ARCHIVE, f"Digits {seed}", wait=False)
    made = client.wait(client.run(version, preset=PRESET, devices=[device], params={"seed": seed}))
    seconds = time.monotonic() - begun
    return seconds, client.report(made)["models"][0]["int8_value"], made


def by_hand(portal: Portal, made: dict, seed: int) -> tuple[float, float]:
    """Return the seconds and int8's top-1 for what a run of Slipway trained on."""
    with tempfile.TemporaryDirectory(prefix="slipway-by-hand-") as name:
        folder = Path(name)
        dataset = lay_out(portal, made, folder, seed)
        run("train", "hand.configure", str(folder))
        begun = time.monotonic()
        run("train", "hand.paddlex", str(folder))
        best = next((folder / "output").rglob("best_model.pdparams"))
        run("train", "hand.paddlex", str(folder), str(best))
        onnx = convert(folder)
        top1 = float(run("convert", "hand.convert", str(folder), str(dataset), onnx).splitlines()[-1])
        return time.monotonic() - begun, top1


def lay_out(portal: Portal, made: dict, folder: Path, seed: int) -> Path:
    """Write the run's training as ``spec.json``, and a list of calibration images; return its dataset."""
    os.environ.update(portal.environment, DJANGO_SETTINGS_MODULE="portal.settings")
    import django

    django.setup()
    from portal.jobs import kinds
    from portal.jobs.program import write_spec
    from portal.runs.models import Run
    from tests.graphs import job_of

    job = job_of(Run.objects.get(pk=made["id"]))
    write_spec(folder, job.kind, kinds.get(job.kind).prepare(job, folder))
    dataset = Path(json.loads((folder / "spec.json").read_text(encoding="utf-8"))["inputs"]["dataset"])
    names = [line.rpartition(" ")[0] for line in (dataset / "train.txt").read_text().splitlines()]
    chosen = random.Random(seed).sample(names, CALIBRATION_IMAGES)
    (folder / "calibration.txt").write_text("".join(f"{name}\n" for name in chosen), encoding="utf-8")
    return dataset


def convert(folder: Path) -> str:
    """Return the ONNX file that the two tools make of ``folder/inference``."""
    tools, full, slim = PYTHON.parent, str(folder / "model.onnx"), str(folder / "slim.onnx")
    files = ["--model_filename", "inference.json", "--params_filename", "inference.pdiparams"]
    options = {"check": True, "stdout": sys.stderr, "start_new_session": True}
    made = ["--model_dir", str(folder / "inference"), *files, "--save_file", full, "--opset_version", "12"]
    subprocess.run([tools / "paddle2onnx", *made], **options)
    subprocess.run([tools / "onnxslim", full, slim, "--input-shapes", INPUT], **options)
    return slim


def measure(portal: Portal, seeds: int) -> dict:
    client = portal.client()
    password = (portal.var / "secrets" / "virtual-board-password").read_text(encoding="utf-8").strip()
    board = {"host": "127.0.0.1", "port": portal.board_port, "username": "root", "password": password}
    device = client.post("devices/", json={"name": "Board", "profile": "virtual", **board})
    rows = []
    for seed in range(seeds):
        ours, our_top1, made = by_slipway(client, device, seed)
        print(f"seed {seed}: Slipway {ours:.0f} s", file=sys.stderr, flush=True)
        theirs, their_top1 = by_hand(portal, made, seed)
        print(f"seed {seed}: by hand {theirs:.0f} s", file=sys.stderr, flush=True)
        rows.append((ours, theirs, our_top1, their_top1))
    ours, theirs, our_top1, their_top1 = (list(column) for column in zip(*rows, strict=True))
    return {
        "ratio": round(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), 2),
        "seconds": {"slipway": list(map(round, ours)), "by_hand": list(map(round, theirs))},
        "int8_top1": {
            way: [round(100 * value, 2) for value in values]
            for way, values in (("slipway", our_top1), ("by_hand", their_top1))
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1)
    seeds, before = parser.parse_args().seeds, os.getloadavg()[0]
    subprocess.run([PYTHON, "-m", "workers.train.kernel_cache"], cwd=ROOT, check=True)
    with serving(DEPLOY_WATCH_SECONDS="0") as portal:
        found = measure(portal, seeds)
    print(json.dumps({**found, "load": [round(before, 1), round(os.getloadavg()[0], 1)]}))


if __name__ == "__main__":
    main()
