"""Finds for every recipe and input size the smallest share of its cost that pruning can leave.

    .venv/bin/python -m tests.bench.pruning_limits [--write] [RECIPE…]

``--write`` puts them as ``pruning`` into the recipes' files, or ``unprunable: true`` where the channels of a
layer are read in another order: a run that asks for less is refused before it trains. The last line is one
JSON object.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile

from tests.bench.detector_costs import run
from tests.bench.matrix import CLASSES, MODELS, line

HEAD = """\
# The smallest fraction of the cost of its convolutions that pruning can leave: python -m
# tests.bench.pruning_limits --write.
"""
OWN = re.compile(r"(^#[^\n]*\n)*^(pruning:\n( .*\n?)*|unprunable: .*\n?)", flags=re.MULTILINE)


def written(text: str, limits: dict[str, dict]) -> str:
    """A recipe's file with the limits of its sizes, by ``<width>x<height>``."""
    kept = OWN.sub("", text).rstrip("\n") + "\n" + HEAD
    if any("refused" in limit for limit in limits.values()):
        return kept + "unprunable: true\n"
    rows = [{"input_size": [int(side) for side in size.split("x")], **one} for size, one in limits.items()]
    return kept + "pruning:\n" + "".join(f"  - {line(row)}\n" for row in rows)


def write(found: dict[str, dict]) -> None:
    by_recipe: dict[str, dict] = {}
    for name, limit in found.items():
        recipe, _dash, size = name.rpartition("-")
        by_recipe.setdefault(recipe, {})[size] = limit
    for recipe, limits in by_recipe.items():
        path = MODELS / f"{recipe}.yaml"
        path.write_text(written(path.read_text(encoding="utf-8"), limits), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = run("train", "detectors.pruning_limits", folder, CLASSES, *options.recipes)
    found = json.loads(out.splitlines()[-1])
    if options.write:
        write(found)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
