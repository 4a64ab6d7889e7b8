"""Reads the files in ``configs/``: recipes, presets, chips and board profiles. Data, not code."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings


@cache
def _folder(name: str) -> dict[str, dict[str, Any]]:
    files = sorted(Path(settings.CONFIGS_DIR, name).glob("*.yaml"))
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in files}


def recipes() -> dict[str, dict[str, Any]]:
    """Recipes by name, see ``configs/models/``."""
    return _folder("models")


def chips() -> dict[str, dict[str, Any]]:
    """Chips by name, see ``configs/chips/``."""
    return _folder("chips")


def boards() -> dict[str, dict[str, Any]]:
    """Board profiles by name, see ``configs/boards/``."""
    return _folder("boards")


@cache
def presets() -> dict[str, dict[str, Any]]:
    """Presets by name: a recipe and how to train it, see ``configs/presets.yaml``."""
    return yaml.safe_load(Path(settings.CONFIGS_DIR, "presets.yaml").read_text(encoding="utf-8"))
