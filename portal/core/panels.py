"""Parts of a page that apps above contribute, such as the deployments on a device's page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_panels: dict[str, list[Callable[[Any, Any], str]]] = {}


def add(place: str, render: Callable[[Any, Any], str]) -> None:
    """Register ``render(request, row)``, which returns HTML for the pages of ``place``."""
    _panels.setdefault(place, []).append(render)


def of(place: str, request, row) -> list[str]:
    """The HTML of every panel for a row's page, in order of registration."""
    return [render(request, row) for render in _panels.get(place, [])]
