"""``python -m tests.bench.detectors.pruning_limits FOLDER CLASSES [RECIPE…]``, in the training environment.

Prints one JSON object that has for each recipe and input size, ``<recipe>-<width>x<height>``, the smallest
fraction of its cost that pruning can leave, in ``cycles`` and in ``macs``; or ``refused``: the layer that
reads channels in another order.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench.detectors.export import TASK as DETECTION
from tests.bench.detectors.export import plan_of
from workers.contract import JobFolder
from workers.train.networks import add_newer
from workers.train.program import redirect_caches
from workers.train.suite import PADDLECLAS
from workers.train.yaml_files import CONFIGS, load_yaml, write_yaml

PROBED = [3, 64, 64]
DETECTOR = """
import adapt; adapt.prepare(); config, _ = adapt.read_arguments()
import json; from ppdet.core.workspace import create
from tests.bench.detectors.pruning_limits import limits
from workers.train.methods.paddledet import RawOutputs
print(json.dumps(limits(RawOutputs(create(config["architecture"])), config["sizes"])))
"""


def limits(network: Any, sizes: list[list[int]]) -> dict[str, dict]:
    """The limits of a network by ``<width>x<height>``."""
    from workers.train.methods.channels import Entangled, groups_of
    from workers.train.methods.costs import CYCLES, MACS, costs_of, total
    from workers.train.methods.pruning import kept_channels

    try:
        groups = groups_of(network, PROBED)
    except Entangled as layer:
        return {f"{width}x{height}": {"refused": str(layer)} for width, height in sizes}
    least = [(group, kept_channels(group.size, 0.0)) for group in groups]
    found = {}
    for width, height in sizes:
        costs = costs_of(network, [3, height, width])
        shares = {unit: total(costs, unit, least) / total(costs, unit) for unit in (CYCLES, MACS)}
        found[f"{width}x{height}"] = {unit: round(share, 4) for unit, share in shares.items()}
    return found


def of_classifier(recipe: dict, classes: int) -> dict[str, dict]:
    import paddle  # noqa: TID251 - it runs in the training environment
    import ppcls.arch

    add_newer(ppcls.arch)
    with paddle.utils.unique_name.guard(recipe["name"]):
        network = ppcls.arch.build_model({"Arch": {"name": recipe["architecture"], "class_num": classes}})
    return limits(network, recipe["input_sizes"])


def of_detector(folder: Path, recipe: dict, classes: int) -> dict[str, dict]:
    job, plan = JobFolder(folder / recipe["name"]), plan_of(recipe, recipe["input_size"], classes)
    job.scratch.mkdir(parents=True)
    suite = DETECTION.suite.link(job.scratch) / DETECTION.suite.name
    config = DETECTION.suite_configuration(plan, job.scratch) | {"sizes": recipe["input_sizes"]}
    write_yaml(job.scratch / "suite.yaml", config)
    argv = [
        "-c",
        "import sys; sys.path.insert(0, 'tools')\n" + DETECTOR,
        "-c",
        str(job.scratch / "suite.yaml"),
    ]
    done = subprocess.run([sys.executable, *argv], cwd=suite, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    folder, classes = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    redirect_caches(folder / "scratch")
    sys.path.insert(0, str(PADDLECLAS.link(folder / "scratch") / PADDLECLAS.name))
    found = {}
    for path in sorted((CONFIGS / "models").glob("*.yaml")):
        recipe = load_yaml(path)
        if not sys.argv[3:] or path.stem in sys.argv[3:]:
            detects = recipe["task"] == DETECTION.name
            own = of_detector(folder, recipe, classes) if detects else of_classifier(recipe, classes)
            found |= {f"{path.stem}-{size}": limit for size, limit in own.items()}
            print(path.stem, own, file=sys.stderr, flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
