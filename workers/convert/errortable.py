"""Parses rknn-toolkit2's report of each layer's error, and of outlying weights.

Standard library only; pure functions over the text, in the format of 2.5.0. The table has fixed columns: a
wide number touches the next one, and an operator that is fused into the next has no numbers of its own.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from workers.contract import ToolchainError
from workers.contract.messages import msg

_COSINE = r"(?:-?[01]\.\d{5}|nan)"
_DISTANCE = r"(?:\d+\.\d{5}|nan|inf)"
_ROW = re.compile(
    rf"^\[(?P<type>[^\]]+)\] (?P<name>\S+?)\s*"
    rf"(?:(?P<cosine>{_COSINE}) \| (?P<euclidean>{_DISTANCE})\s*"
    rf"(?P<single_cosine>{_COSINE}) \| (?P<single_euclidean>{_DISTANCE})\s*)?$"
)
_OUTLIERS = re.compile(r"const name\s+abs_mean\s+abs_std\s+outlier value")
_OUTLIER = re.compile(r"^\s+(?P<name>\S+)\s+(?P<mean>[\d.e+-]+)\s+[\d.e+-]+\s+(?P<value>[\d.e+-]+)\s*$")


@dataclass
class LayerError:
    """How far one layer is from the float model: the accumulated error up to it, and its own alone.

    A cosine of 1 is no error; a Euclidean distance is in units of the tensor. ``fused`` are the outputs of
    operators that the chip computes together with this one. None if the toolkit gave no number.
    """

    type: str
    name: str
    cosine: float | None
    euclidean: float | None
    single_cosine: float | None
    single_euclidean: float | None
    fused: list[str] = field(default_factory=list)
    outlier: float | None = None


NUMBERS = ("cosine", "euclidean", "single_cosine", "single_euclidean")


def parse(text: str) -> list[LayerError]:
    """Return the rows with numbers, from input to output.

    Raises ToolchainError if there are none, or for an unreadable row.
    """
    layers: list[LayerError] = []
    fused: list[str] = []
    for line in text.splitlines():
        if not line.startswith("["):
            continue
        row = _ROW.match(line.rstrip())
        if row is None:
            raise ToolchainError(
                msg("A row of rknn-toolkit2's error table could not be read: {row}.", row=repr(line.strip()))
            )
        if row["cosine"] is None:
            fused.append(row["name"])
            continue
        numbers = {name: _number(row[name]) for name in NUMBERS}
        layers.append(LayerError(row["type"], row["name"], **numbers, fused=fused))
        fused = []
    if not layers:
        raise ToolchainError(msg("rknn-toolkit2 wrote no table of errors: see the job's log."))
    return layers


def _number(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def outliers(log: str) -> dict[str, float]:
    """Return the weights that the build warned about, by name, each with its outlying value."""
    found: dict[str, float] = {}
    inside = False
    for line in log.splitlines():
        if _OUTLIERS.search(line):
            inside = True
        elif inside and (row := _OUTLIER.match(line)):
            found[row["name"]] = float(row["value"])
        else:
            inside = False
    return found


def mean(tables: list[list[LayerError]]) -> list[LayerError]:
    """Return one table with the mean of each number over the images; the first table names the layers."""
    return [_mean_of(rows) for rows in zip(*tables, strict=True)]


def _mean_of(rows: tuple[LayerError, ...]) -> LayerError:
    first = rows[0]
    numbers = {name: _mean([getattr(row, name) for row in rows]) for name in NUMBERS}
    return LayerError(first.type, first.name, **numbers, fused=first.fused)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 6) if known else None
