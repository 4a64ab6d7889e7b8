"""Checks references between files in ``configs/``: names must exist, and both sides must agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from portal.core.configs.board import BoardProfile
from portal.core.configs.recipe import Preset, Recipe
from portal.core.echoes import shortened


class Books(Protocol):
    """All that was read, by name; None stands for what was itself invalid."""

    recipes: Mapping[str, Recipe | None]
    presets: Mapping[str, Preset | None]
    chips: Mapping[str, Any]
    boards: Mapping[str, BoardProfile | None]
    augmentations: Mapping[str, Any]


def broken_links(books: Books, top: str) -> Iterator[str]:
    """One sentence per broken reference. ``top`` is the name of the folder in them."""
    for name, recipe in books.recipes.items():
        if recipe:
            yield from _of_recipe(books, recipe, f"{top}/models/{name}.yaml: ")
    for name, preset in books.presets.items():
        if preset:
            yield from _of_preset(books, name, preset, f"{top}/presets.yaml: {name}.")
    for name, book in books.augmentations.items():
        if book and book.tiny:
            yield from _unknown(
                f"{top}/*/augmentations.yaml: {name}.tiny", book.tiny, _augmentations(books, book.task)
            )
    for name, board in books.boards.items():
        if board:
            yield from _unknown(f"{top}/boards/{name}.yaml: chip", board.chip, books.chips)


def _unknown(key: str, name: str, known: Mapping[str, Any]) -> Iterator[str]:
    if known and name not in known:  # unknown: its file was invalid
        yield f"{key} must be one of {', '.join(known)}, not {shortened(name)!r}."


def _of_recipe(books: Books, recipe: Recipe, where: str) -> Iterator[str]:
    yield from _augmentation(f"{where}augmentation", recipe.augmentation, recipe, books)
    for chip in recipe.chips:
        yield from _unknown(f"{where}the name chips.{shortened(chip)}", chip, books.chips)
    yield from _size(f"{where}input_size", recipe.input_size, recipe)
    for number, cost in enumerate(recipe.costs):
        yield from _unknown(f"{where}costs[{number}].chip", cost.chip, books.chips)
        yield from _size(f"{where}costs[{number}].input_size", cost.input_size, recipe)
    for number, refusal in enumerate(recipe.refused):
        yield from _unknown(f"{where}refused[{number}].chip", refusal.chip, books.chips)
        yield from _size(f"{where}refused[{number}].input_size", refusal.input_size, recipe)
    for number, limit in enumerate(recipe.pruning):
        yield from _size(f"{where}pruning[{number}].input_size", limit.input_size, recipe)
    for number, name in enumerate(recipe.presets):
        yield from _unknown(f"{where}presets[{number}]", name, books.presets)
        preset = books.presets.get(name)
        if preset and preset.recipe != recipe.name and preset.recipe in books.recipes:
            yield f"{where}presets[{number}] names {name}, a preset of {preset.recipe}: remove it."


def _of_preset(books: Books, name: str, preset: Preset, where: str) -> Iterator[str]:
    yield from _unknown(f"{where}recipe", preset.recipe, books.recipes)
    recipe = books.recipes.get(preset.recipe)
    if recipe is None:
        return
    yield from _augmentation(f"{where}augmentation", preset.augmentation, recipe, books)
    yield from _size(f"{where}input_size", preset.input_size, recipe)
    if name not in recipe.presets:
        yield f"{where}recipe names {preset.recipe}, whose presets do not list {name}: add it there."


def _augmentation(key: str, name: str, recipe: Recipe, books: Books) -> Iterator[str]:
    yield from _unknown(key, name, _augmentations(books, recipe.task))


def _augmentations(books: Books, task: str) -> dict[str, Any]:
    return {name: book for name, book in books.augmentations.items() if book and book.task == task}


def _size(key: str, size: tuple[int, int], recipe: Recipe) -> Iterator[str]:
    if size not in recipe.input_sizes:
        known = ", ".join(f"[{width}, {height}]" for width, height in recipe.input_sizes)
        yield f"{key} must be one of the input_sizes of {recipe.name} ({known}), not {list(size)}."
