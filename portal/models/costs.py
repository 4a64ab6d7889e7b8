"""The cost of a compiled model: per layer, totals relative to the chip, and a latency estimate."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from portal.core import configs
from portal.models.models import CompiledModel, Evaluation
from portal.tasks import Stage

MACS_A_CYCLE = 512  # of the rv1106's NPU in int8, from its cycles for a dense convolution (chips' README)
BOARDS_LOOKED_AT = 50  # newest measurements on boards


@dataclass(frozen=True)
class Sheet:
    """Totals; ``None`` means unknown. ``memory_share`` is the share of the chip's memory for models, 0 to
    1.
    """

    cycles: int
    ddr_cycles: int
    npu_cycles: int
    traffic_bytes: int
    memory_bytes: int
    memory_share: float | None
    clock_mhz: float | None
    estimate_ms: float | None
    measured: list[Evaluation]  # on real boards
    layers: list[dict]
    factor: float | None = None  # how much longer the team's boards took than estimates say

    @property
    def corrected_ms(self) -> float | None:
        """The estimate, corrected by what the team's boards of the chip took for any model."""
        return self.estimate_ms * self.factor if self.estimate_ms and self.factor else None

    @property
    def measured_ms(self) -> float | None:
        found = [one.metrics["ms_median"] for one in self.measured if one.metrics.get("ms_median")]
        return statistics.median(found) if found else None


def chip_of(compiled: CompiledModel) -> configs.Chip | None:
    """None for a chip that this server no longer has."""
    return configs.chips().get(compiled.chip)


def sheet(compiled: CompiledModel) -> Sheet | None:
    """None until it is built."""
    cost = compiled.cost
    if not cost.get("layers"):
        return None
    chip, layers = chip_of(compiled), cost["layers"]
    limit = chip.model_memory_mb if chip else None
    clock = clock_mhz(chip)
    boards = Evaluation.objects.filter(compiled_model=compiled, stage=Stage.BOARD).select_related("device")
    return Sheet(
        cycles=cost["cycles"],
        ddr_cycles=sum(layer.get("cycles_ddr", 0) for layer in layers),
        npu_cycles=sum(layer.get("cycles_npu", 0) for layer in layers),
        traffic_bytes=round(1024 * sum(layer.get("rw_kb", 0) for layer in layers)),
        memory_bytes=compiled.memory_bytes,
        memory_share=compiled.memory_bytes / (limit * 2**20) if limit else None,
        clock_mhz=clock,
        estimate_ms=estimate_ms(compiled),
        measured=[one for one in boards if one.device and not one.device.is_virtual],
        layers=layers,
        factor=board_factor(compiled.model.team_id, compiled.chip),
    )


def estimate_ms(compiled: CompiledModel) -> float | None:
    """The latency by cycles and clock; None if either is unknown."""
    cycles = compiled.cost.get("cycles")
    return milliseconds(cycles, chip_of(compiled)) if cycles else None


def clock_mhz(chip: configs.Chip | None) -> float | None:
    """The NPU's clock, or an estimate from its operations per second: two for each of ``MACS_A_CYCLE``."""
    if chip is None:
        return None
    if chip.npu_clock_mhz:
        return float(chip.npu_clock_mhz)
    if chip.npu_tops and chip.int8_only:
        return chip.npu_tops * 1e6 / (2 * MACS_A_CYCLE)
    return None


def milliseconds(cycles: float, chip: configs.Chip | None) -> float | None:
    """How long so many cycles take at the chip's clock; None if that is not known."""
    clock = clock_mhz(chip)
    return cycles / (1000 * clock) if clock else None


# ``find(team, chip name)``: (milliseconds, compiled model) that real boards measured besides evaluations.
_further: list[Callable[[object, str], list[tuple[float, CompiledModel]]]] = []


def add_measurements(find: Callable[[object, str], list[tuple[float, CompiledModel]]]) -> None:
    """Register further measurements from which the error of estimates is learnt."""
    _further.append(find)


def board_factor(team, chip_name: str) -> float | None:
    """How much longer the team's boards took than the cycles say: the median of their measurements.

    None if no real board of the chip measured a model, or the chip's clock is not known.
    """
    measured = Evaluation.objects.for_team(team).filter(stage=Stage.BOARD, compiled_model__chip=chip_name)
    rows = measured.exclude(device=None).select_related("device", "compiled_model").order_by("-pk")
    chip, found = configs.chips().get(chip_name), []
    for row in rows[:BOARDS_LOOKED_AT]:
        told = milliseconds(row.compiled_model.cost.get("cycles", 0), chip)
        if told and row.metrics.get("ms_median") and not row.device.is_virtual:
            found.append(row.metrics["ms_median"] / told)
    for find in _further:
        for ms, compiled in find(team, chip_name):
            told = milliseconds(compiled.cost.get("cycles", 0), chip)
            found += [ms / told] if told else []
    return statistics.median(found) if found else None


def rows(layers: list[dict]) -> list[list]:
    """``[name, cycles, KB of traffic, target]`` of each layer, from input to output, for the chart."""
    return [
        [f"{layer['id']} {layer['type']}", layer["cycles"], layer.get("rw_kb", 0), layer["target"]]
        for layer in layers
    ]
