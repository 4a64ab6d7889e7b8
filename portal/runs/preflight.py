"""What every recipe costs on a chip at each of its input sizes, before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass

from portal.core import configs
from portal.models import costs
from portal.runs.estimates import Estimate, Estimates

Size = tuple[int, int]


@dataclass(frozen=True)
class Cell:
    """``ms`` is estimated from the cycles, and corrected by what boards measured. ``fits``: within the
    chip's limits.
    """

    size: Size
    estimate: Estimate
    ms: float | None
    cpu_operators: tuple[str, ...]
    fits: bool


@dataclass(frozen=True)
class Line:
    recipe: configs.Recipe
    cells: list[Cell | None]  # by size; None for a size that the recipe does not have


@dataclass(frozen=True)
class Matrix:
    """``factor``: how much longer the team's boards took than the cycles say; None if none measured."""

    chip: configs.Chip
    clock_mhz: float | None
    factor: float | None
    sizes: list[Size]
    lines: list[Line]


def matrix(team, chip_name: str) -> Matrix:
    chip, estimates = configs.chips()[chip_name], Estimates(chip_name)
    factor = costs.board_factor(team, chip_name)
    books = list(configs.recipes().values())
    sizes = sorted({size for book in books for size in book.input_sizes})
    lines = [Line(book, [_cell(book, size, chip, estimates, factor) for size in sizes]) for book in books]
    return Matrix(chip, costs.clock_mhz(chip), factor, sizes, lines)


def _cell(book: configs.Recipe, size: Size, chip: configs.Chip, estimates: Estimates, factor) -> Cell | None:
    if size not in book.input_sizes:
        return None
    found = estimates.of(book.name, {"input_size": size, "epochs": 1}, None)
    told = costs.milliseconds(found.cycles, chip) if found.cycles else None
    built = next((one for one in book.costs if one.chip == chip.name and one.input_size == size), None)
    memory = (found.memory_bytes or 0) / 2**20
    fits = max(size) <= chip.max_input_side and not (chip.model_memory_mb and memory > chip.model_memory_mb)
    return Cell(size, found, told and told * (factor or 1), built.cpu_operators if built else (), fits)
