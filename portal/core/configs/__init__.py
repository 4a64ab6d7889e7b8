"""Reads ``configs/``: recipes, presets, chips, board profiles, augmentations. Data, not code.

Each becomes a frozen dataclass, validated when it is read. A process with an invalid file does not start.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from portal.core.configs.board import INTERNAL, BoardProfile, Chip
from portal.core.configs.reading import Books, ConfigError, read_folder
from portal.core.configs.recipe import Augmentation, Cost, Measured, Preset, Pretrained, Recipe, Refusal
from portal.core.configs.schema import as_dict
from portal.core.shelf import Removed, Shelf

_read_once = cache(read_folder)


def _books() -> Books:
    return _read_once(Path(settings.CONFIGS_DIR))


def recipes() -> Shelf:
    """Recipes by name, see ``configs/models/``."""
    return _books().recipes


def presets() -> Shelf:
    """Presets by name, see ``configs/presets.yaml``."""
    return _books().presets


def chips() -> Shelf:
    """Chips by name, see ``configs/chips/``."""
    return _books().chips


def boards() -> Shelf:
    """Board profiles by name, see ``configs/boards/``."""
    return _books().boards


def augmentations() -> Shelf:
    """Augmentations by name, see ``configs/*/augmentations.yaml``."""
    return _books().augmentations


def title(books: Mapping[str, Any], name: str) -> str:
    """The title of the thing with this name; the name itself if it no longer exists."""
    return books[name].title if name in books else name


__all__ = [
    "INTERNAL",
    "Augmentation",
    "BoardProfile",
    "Chip",
    "Cost",
    "ConfigError",
    "Measured",
    "Preset",
    "Pretrained",
    "Recipe",
    "Refusal",
    "Removed",
    "Shelf",
    "as_dict",
    "augmentations",
    "boards",
    "chips",
    "presets",
    "read_folder",
    "recipes",
    "title",
]
