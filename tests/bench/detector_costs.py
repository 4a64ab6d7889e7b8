"""Builds every detection recipe at every size for a chip, untrained, and prints what each would cost there.

    .venv/bin/python -m tests.bench.detector_costs [--chip rv1106] [--classes 10] [RECIPE[-WIDTHxHEIGHT]…]

The figures of ``chips`` in ``configs/models/picodet_*.yaml``: seconds of the build, cycles of the compiler's
operator table, memory for weights and features, size of the file. The last line is one JSON object; its
``cpu_operators`` are those of all of them that would run on the chip's CPU; there should be none.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(program: str, module: str, *arguments: str) -> str:
    python = os.environ.get(f"{program.upper()}_PYTHON", str(ROOT / f"workers/{program}/.venv/bin/python"))
    argv = [python, "-m", f"tests.bench.{module}", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, text=True, start_new_session=True
    )
    return done.stdout


def costs(folder: Path, chip: str, classes: int, recipes: list[str]) -> dict[str, dict]:
    """What each recipe costs, by ``<recipe>-<width>x<height>``."""
    run("train", "detectors.export", str(folder), str(classes), *recipes)
    return json.loads(run("convert", "detectors.build", str(folder), chip).splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*")
    parser.add_argument("--chip", default="rv1106")
    parser.add_argument("--classes", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = costs(Path(folder), options.chip, options.classes, options.recipes)
    operators = sorted({operator for cost in found.values() for operator in cost["cpu_operators"]})
    print(json.dumps({"costs": found, "cpu_operators": operators}))


if __name__ == "__main__":
    main()
