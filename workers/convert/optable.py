"""Parses rknn-toolkit2's build output: the operator table and the memory totals.

Standard library only; pure functions over the captured text. The format is that of 2.3.2 and 2.5.0,
``RKNN(verbose=True)``; newer chips have one more column, SparseRatio, which some rows leave empty.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from workers.contract import ToolchainError
from workers.contract.messages import msg

# Every model has these two; they only copy the tensors in and out.
ALWAYS_ON_CPU = frozenset({"InputOperator", "OutputOperator"})

_PREFIX = re.compile(r"^D RKNN: \[[\d:.]+\] ?")
_HEADER = re.compile(r"^ID\s+OpType\s+DataType\s+Target\s+InputShape\s+OutputShape\s+Cycles\(DDR/NPU/Total\)")
_ROW = re.compile(
    r"^(?P<id>\d+)\s+(?P<type>\S+)\s+(?P<dtype>\S+)\s+(?P<target>\S+)\s+(?P<input>\S+)\s+(?P<output>\S+)\s+"
    # The compiler writes a negative number if its estimate overflowed, and a sparse ratio as 50%(IC).
    r"(?P<ddr>-?\d+)/(?P<npu>-?\d+)/(?P<total>-?\d+)\s+(?:[\d.]+%\S*\s+)?(?P<rw>[\d.]+)(?:\s+(?P<name>\S.*))?$"
)
_TOTAL = re.compile(r"^Total (?P<what>Internal|Weight) Memory Size: (?P<size>[\d.]+)(?P<unit>[KM]?)B")
_UNITS = {"": 1, "K": 2**10, "M": 2**20}


@dataclass(frozen=True)
class Layer:
    """One operator as it runs on the NPU. Cycles are the compiler's estimate; ``rw_kb`` is memory traffic."""

    id: int
    type: str
    dtype: str
    target: str
    input_shape: str
    output_shape: str
    cycles_ddr: int
    cycles_npu: int
    cycles: int
    rw_kb: float
    name: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Cost:
    """The model's cost on the chip, from the build's own tables; sizes in bytes."""

    layers: list[Layer]
    weight_bytes: int | None
    feature_bytes: int | None

    @property
    def cycles(self) -> int:
        return sum(layer.cycles for layer in self.layers)

    @property
    def cpu_operators(self) -> list[str]:
        """Operator types that run on the CPU, besides the two that every model has."""
        found = {layer.type for layer in self.layers if layer.target == "CPU"}
        return sorted(found - ALWAYS_ON_CPU)

    def as_dict(self) -> dict[str, Any]:
        return {
            "cycles": self.cycles,
            "weight_bytes": self.weight_bytes,
            "feature_bytes": self.feature_bytes,
            "cpu_ops": self.cpu_operators,
            "layers": [layer.as_dict() for layer in self.layers],
        }


def parse_cost(log: str) -> Cost:
    """Return the Cost printed by a verbose build; of several builds in one log, the last.

    Raises ToolchainError if there is no table or a row is unreadable: an operator missed here would fail on
    the board.
    """
    layers: list[Layer] = []
    totals: dict[str, int] = {}
    inside = False
    for raw in log.splitlines():
        line = _PREFIX.sub("", raw)
        if _HEADER.match(line):
            inside, layers = True, []
        elif inside and line[:1].isdigit():
            layers.append(_layer(line))
        elif inside and layers:
            inside = False
        elif total := _TOTAL.match(line):
            totals[total["what"]] = round(float(total["size"]) * _UNITS[total["unit"]])
    if not layers:
        raise ToolchainError(
            msg("rknn-toolkit2 printed no operator table for this model: see the job's log.")
        )
    return Cost(layers, totals.get("Weight"), totals.get("Internal"))


def _layer(line: str) -> Layer:
    row = _ROW.match(line.rstrip())
    if row is None:
        raise ToolchainError(
            msg("A row of rknn-toolkit2's operator table could not be read: {row}.", row=repr(line.strip()))
        )
    return Layer(
        id=int(row["id"]),
        type=row["type"],
        dtype=row["dtype"],
        target=row["target"],
        input_shape=row["input"],
        output_shape=row["output"],
        cycles_ddr=max(0, int(row["ddr"])),
        cycles_npu=max(0, int(row["npu"])),
        cycles=max(0, int(row["total"])),
        rw_kb=float(row["rw"]),
        name=row["name"] or "",
    )


def refuse_missing_operators(cost: Cost, chip: dict[str, Any]) -> None:
    """Raise ToolchainError if an operator fell back to the CPU and the chip's runtime lacks it.

    Such a model builds without an error and fails on the board. ``cpu_operators`` null in the chip's file
    means that the list is unknown: nothing is rejected then.
    """
    known = chip.get("cpu_operators")
    if known is None:
        return
    missing = [name for name in cost.cpu_operators if name not in known]
    if missing:
        raise ToolchainError(
            msg(
                "The model would fail on {title}: {missing} cannot run on its NPU and the "
                "board's runtime has no CPU version; cut the model before it or choose another "
                "recipe.",
                title=chip["title"],
                missing=", ".join(missing),
            )
        )
