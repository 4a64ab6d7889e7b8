"""Builds every recipe at every size for chips, untrained, and says what each costs there.

    .venv/bin/python -m tests.bench.matrix [--write] [--folder F] [RECIPE[-WIDTHxHEIGHT]…] [--chips rv1106 …]

The pre-flight of a run: seconds of the build, cycles of the compiler's operator table, memory for weights
and features, size of the file, and the operators that the chip's CPU would run. ``--write`` puts them as
``costs`` into the recipes' files, in place of those of the same chip and size, and what the toolkit did not
build as ``refused``: nobody can start a run with that. ``--folder`` keeps the ONNX files, and uses those that
are there. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from pathlib import Path

import yaml

from tests.bench.detector_costs import ROOT, run

MODELS = ROOT / "configs" / "models"
HEAD = """\
# Untrained, ten classes, int8 by rknn-toolkit2 2.5.0: python -m tests.bench.matrix --write. Operators that
# the chip's CPU would run, besides input and output, are in cpu_operators.
costs:
"""
REFUSED = """\
# What the toolkit does not build: no run can be started with it.
refused:
"""
NO_WORK = {"InputOperator", "OutputOperator"}
CLASSES = "10"


def names(wanted: list[str]) -> list[str]:
    """The names of all choices, or of the wanted ones: ``pp_lcnet_x1_0-160x160``."""
    found = []
    for path in sorted(MODELS.glob("*.yaml")):
        for width, height in yaml.safe_load(path.read_text(encoding="utf-8"))["input_sizes"]:
            name = f"{path.stem}-{width}x{height}"
            if not wanted or {path.stem, name} & set(wanted):
                found.append(name)
    return found


def export(folder: Path, wanted: list[str]) -> None:
    missing = [name for name in names(wanted) if not (folder / f"{name}.onnx").exists()]
    for module in ("classifiers", "export") if missing else ():
        run("train", f"detectors.{module}", str(folder), CLASSES, *missing)


def written(text: str, costs: dict[tuple[str, int, int], dict]) -> str:
    """A recipe's file with these costs or refusals, and its own of other chips and sizes."""
    book, parts = yaml.safe_load(text), ("costs", "refused")
    known = {(row["chip"], *row["input_size"]): row for part in parts for row in book.get(part) or ()}
    rows = [row for _key, row in sorted((known | costs).items())]
    kept = re.sub(r"(^#[^\n]*\n)*^(costs|refused):\n( .*\n?)*", "", text, flags=re.MULTILINE).rstrip("\n")
    built = "".join(f"  - {line(row)}\n" for row in rows if "reason" not in row)
    refused = "".join(f"  - {line(row)}\n" for row in rows if "reason" in row)
    return f"{kept}\n" + (HEAD + built if built else "") + (REFUSED + refused if refused else "")


def line(row: dict) -> str:
    return yaml.safe_dump(row, default_flow_style=True, sort_keys=False, width=1000).strip()


def row_of(chip: str, size: list[int], cost: dict) -> dict:
    if "refused" in cost:
        return {"chip": chip, "input_size": size, "reason": " ".join(cost["refused"].split())}
    operators = sorted(set(cost["cpu_operators"]) - NO_WORK)
    figures = {name: cost[name] for name in ("cycles", "memory_megabytes", "rknn_megabytes", "build_seconds")}
    return {
        "chip": chip,
        "input_size": size,
        **figures,
        **({"cpu_operators": operators} if operators else {}),
    }


def write(found: dict[str, dict[str, dict]]) -> None:
    by_recipe: dict[str, dict] = {}
    for chip, costs in found.items():
        for name, cost in costs.items():
            recipe, _dash, size = name.rpartition("-")
            width, height = map(int, size.split("x"))
            by_recipe.setdefault(recipe, {})[chip, width, height] = row_of(chip, [width, height], cost)
    for recipe, rows in by_recipe.items():
        path = MODELS / f"{recipe}.yaml"
        path.write_text(written(path.read_text(encoding="utf-8"), rows), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*")
    parser.add_argument("--chips", nargs="+", default=["rv1106"])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        export(folder, options.recipes)
        built = (run("convert", "detectors.build", str(folder), chip) for chip in options.chips)
        found = {
            chip: json.loads(out.splitlines()[-1]) for chip, out in zip(options.chips, built, strict=True)
        }
    if options.write:
        write(found)
    refused = {
        f"{name} on {chip}": cost["refused"]
        for chip, costs in found.items()
        for name, cost in costs.items()
        if "refused" in cost
    }
    print(json.dumps({"costs": found, "refused": refused}))


if __name__ == "__main__":
    main()
