"""Facts about releases on boards, provided by the app that deploys; devices know only release ids."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from portal.devices.models import Device


@dataclass(frozen=True)
class KnownRelease:
    """A release that the portal put on a board.

    ``measured`` is its evaluation there, None without one; ``metric`` names what its value measures.
    """

    release: str
    name: str
    url: str
    since: datetime.datetime | None = None
    engine: str = ""
    measured: Any = None
    metric: str = ""
    deployment_id: int | None = None
    score: float | None = None  # the display threshold of its predictions; None is the default


@dataclass(frozen=True)
class NewerRelease:
    """A newer model than the one on a device; a POST of ``device`` to ``deploy`` deploys it."""

    model_id: int
    name: str
    url: str
    deploy: str


class Deployer(Protocol):
    """The interface that the deploying app implements."""

    def reconcile(self, device: Device, release: str | None) -> None:
        """The board reported ``release`` as current; called in the transaction that records it."""

    def current(self, devices: Iterable[Device]) -> dict[int, KnownRelease]:
        """The current release of each device, by device id; devices without a known one are omitted."""

    def known(self, device: Device, releases: set[str]) -> dict[str, KnownRelease]:
        """The releases that the portal put on this board."""

    def attempts(self, device: Device) -> int:
        """The number of deployments to the device."""

    def unlikeness(self, device: Device, release: str | None, grays: dict[str, bytes]) -> dict[str, float]:
        """How unlike the release's training images each image is, by name; see ``datakit.likeness``.

        Images for which that is unknown are omitted.
        """


_deployers: list[Deployer] = []
_newer: list[Callable[[Sequence[Device]], dict[int, NewerRelease]]] = []


def register(deployer: Deployer) -> None:
    _deployers[:] = [deployer]


def reconcile(device: Device, release: str | None) -> None:
    for deployer in _deployers:
        deployer.reconcile(device, release)


def current(devices: Iterable[Device]) -> dict[int, KnownRelease]:
    return _deployers[0].current(devices) if _deployers else {}


def known(device: Device, names: Iterable[str]) -> dict[str, KnownRelease]:
    wanted = {name for name in names if name}
    return _deployers[0].known(device, wanted) if _deployers and wanted else {}


def register_newer(find: Callable[[Sequence[Device]], dict[int, NewerRelease]]) -> None:
    _newer[:] = [find]


def newer(devices: Iterable[Device]) -> dict[int, NewerRelease]:
    """The devices for which a newer model exists, by device id; a constant number of queries."""
    devices = list(devices)
    return _newer[0](devices) if _newer and devices else {}


def attempts(device: Device) -> int:
    return _deployers[0].attempts(device) if _deployers else 0


def unlikeness(device: Device, release: str | None, grays: dict[str, bytes]) -> dict[str, float]:
    return _deployers[0].unlikeness(device, release, grays) if _deployers else {}
