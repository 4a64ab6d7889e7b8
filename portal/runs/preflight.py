"""What every recipe costs on a chip at each of its input sizes, before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass

from portal.core import configs
from portal.models import costs
from portal.runs import proof
from portal.runs.estimates import Estimate, Estimates
from workers.contract.messages import Message, msg

Size = tuple[int, int]


@dataclass(frozen=True)
class Cell:
    """``ms`` is estimated from the cycles, and corrected by what boards measured. ``obstacle`` says why the
    model cannot run on the chip. ``is_tried``: it was really built at this size.
    """

    size: Size
    estimate: Estimate
    ms: float | None
    cpu_operators: tuple[str, ...]
    obstacle: Message | None
    is_tried: bool


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
    obstacles: list[Message]  # what is proven not to run


def matrix(team, chip_name: str) -> Matrix:
    chip, estimates = configs.chips()[chip_name], Estimates(chip_name)
    factor = costs.board_factor(team, chip_name)
    books = list(configs.recipes().values())
    sizes = sorted({size for book in books for size in book.input_sizes})
    lines = [Line(book, [_cell(book, size, chip, estimates, factor) for size in sizes]) for book in books]
    obstacles = [proof.obstacle(book, chip, size) for book in books for size in book.input_sizes]
    return Matrix(chip, costs.clock_mhz(chip), factor, sizes, lines, [one for one in obstacles if one])


def _cell(book: configs.Recipe, size: Size, chip: configs.Chip, estimates: Estimates, factor) -> Cell | None:
    if size not in book.input_sizes:
        return None
    found = estimates.of(book.name, {"input_size": size, "epochs": 1}, None)
    told = costs.milliseconds(found.cycles, chip) if found.cycles else None
    built = next((one for one in book.costs if one.chip == chip.name and one.input_size == size), None)
    proven = proof.obstacle(book, chip, size)
    operators = built.cpu_operators if built else ()
    tried = proven is not None or (found.cycles is not None and not found.scaled)
    why = proven or _too_large(found, size, chip)
    return Cell(size, found, told and told * (factor or 1), operators, why, tried)


def _too_large(found: Estimate, size: Size, chip: configs.Chip) -> Message | None:
    if max(size) > chip.max_input_side:
        return msg("The chip takes images of at most {side} pixels.", side=chip.max_input_side)
    megabytes = (found.memory_bytes or 0) / 2**20
    if chip.model_memory_mb and megabytes > chip.model_memory_mb:
        return msg("It needs about {megabytes} MB of memory, too much.", megabytes=f"{megabytes:.1f}")
    return None
