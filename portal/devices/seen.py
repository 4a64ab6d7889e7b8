"""Images that a device has predicted, offered to the apps above: those that were asked, and live ones.

The camera offers frames with ``source=LIVE``; it need not hold them back, and ``wants`` tells beforehand
whether anybody would look. Listeners keep what they choose to and never raise.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from portal.devices.models import Device

logger = logging.getLogger(__name__)
ASKED, LIVE = "asked", "live"


@dataclass(frozen=True)
class Seen:
    """An image and its prediction, as ``Task.kept`` stores it.

    ``content`` reads the image, PNG or JPEG, if a listener keeps it. ``before`` is what the release before
    predicted for it, None if that was not asked. ``is_comparison``: the image was offered before, without
    ``before``, and only what changed is of interest.
    """

    name: str
    prediction: dict[str, Any]
    content: Callable[[], bytes]
    before: dict[str, Any] | None = None
    is_comparison: bool = False


class Listener(Protocol):
    def wants(self, device: Device) -> bool:
        """Whether an image of this device could be kept now."""

    def wants_before(self, device: Device) -> bool:
        """Whether to ask the release before the current one, too."""

    def offer(self, device: Device, task: str, release: str, source: str, images: Sequence[Seen]) -> int:
        """Keep those that it chooses; return how many."""


_listeners: list[Listener] = []


def register(listener: Listener) -> None:
    _listeners[:] = [listener]


def wants(device: Device) -> bool:
    return any(listener.wants(device) for listener in _listeners)


def wants_before(device: Device) -> bool:
    return any(listener.wants_before(device) for listener in _listeners)


def offer(device: Device, task: str, release: str, images: Sequence[Seen], source: str = ASKED) -> int:
    """Offer images outside any transaction; return how many were kept. Never raises."""
    try:
        return sum(listener.offer(device, task, release, source, images) for listener in _listeners)
    except Exception:
        logger.exception("images of device %s could not be offered for review", device.pk)
        return 0
