"""What a network needs on a chip, before anything is built: operators off the NPU, memory, cycles.

``npu_operators.json`` is measured (``tests/bench/npu_operators.py``), one usual shape of each operator. It
makes warnings; the build of the model decides.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from workers.contract.messages import Message, msg
from workers.intake.costing import Estimate

TABLE = Path(__file__).with_name("npu_operators.json")
# Constants, and what the toolkit folds away or fuses whatever the chip.
NEVER_ALONE = {"Constant", "Identity", "Dropout"}


@cache
def table() -> dict[str, dict[str, Any]]:
    return json.loads(TABLE.read_text(encoding="utf-8"))


def judge(chip: dict[str, Any], operators: set[str], cost: Estimate, size: tuple[int, int]) -> dict[str, Any]:
    """``{"chip", "fits", "problems", "cpu", "unknown", "cycles", "memory_bytes"}`` for one of
    ``configs/chips``.

    ``problems`` are sentences; with one, the chip will not run the network. ``cpu`` are operators that it
    runs beside the NPU.
    """
    known = table().get(chip["target_platform"], {"npu": [], "cpu": {}, "refused": []})
    slow, missing = [], []
    for name in sorted(operators - NEVER_ALONE):
        if name in known["refused"]:
            missing.append(name)
        elif name in known["cpu"]:
            runs = chip.get("cpu_operators") is None or set(known["cpu"][name]) <= set(chip["cpu_operators"])
            (slow if runs else missing).append(name)
    tested = operators if not known["npu"] else {*known["npu"], *known["cpu"], *known["refused"]}
    problems = [*_of_operators(chip, missing), *_of_size(chip, size), *_of_memory(chip, cost)]
    return {
        "chip": chip["name"],
        "fits": not problems,
        "problems": problems,
        "cpu": slow,
        "unknown": sorted(operators - NEVER_ALONE - tested),
        "cycles": cost.cycles,
        "memory_bytes": cost.memory_bytes,
    }


def _of_operators(chip: dict[str, Any], missing: list[str]) -> list[Message]:
    if not missing:
        return []
    return [
        msg(
            "{title} has no way to compute {names}: export the network without, or replace them (for "
            "example Sqrt by a multiplication), or cut it before them.",
            title=chip["title"],
            names=", ".join(missing[:6]),
        )
    ]


def _of_size(chip: dict[str, Any], size: tuple[int, int]) -> list[Message]:
    most = chip["max_input_side"]
    if max(size) <= most:
        return []
    return [
        msg(
            "{title} takes images up to {most}×{most} pixels; the network takes {width}×{height}.",
            title=chip["title"],
            most=most,
            width=size[0],
            height=size[1],
        )
    ]


def _of_memory(chip: dict[str, Any], cost: Estimate) -> list[Message]:
    most = chip.get("model_memory_mb")
    if not most or cost.memory_bytes <= most * 2**20:
        return []
    return [
        msg(
            "{title} has {most} MB for a model, and the network needs about {needed} MB: use a smaller one, "
            "or a smaller input.",
            title=chip["title"],
            most=most,
            needed=round(cost.memory_bytes / 2**20),
        )
    ]
