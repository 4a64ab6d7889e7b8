"""Where compiled models run now; the app that deploys them registers the finder."""

from __future__ import annotations

from collections.abc import Callable

from portal.devices.models import Device

_finders: list[Callable[[set[int]], dict[int, list[Device]]]] = []


def set_finder(find: Callable[[set[int]], dict[int, list[Device]]]) -> None:
    """Register ``find(compiled model ids)``: the devices that run each of them now."""
    _finders[:] = [find]


def of(compiled_ids: set[int]) -> dict[int, list[Device]]:
    return _finders[0](compiled_ids) if _finders and compiled_ids else {}
