"""What is known of the releases on boards. Devices know their ids only; who deploys them tells the rest."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from portal.devices.models import Device


@dataclass(frozen=True)
class KnownRelease:
    """A release that the portal put on a board. ``measured`` is its evaluation there, None without one;
    ``metric`` says what its value measures."""

    release: str
    name: str
    url: str
    since: datetime.datetime | None = None
    engine: str = ""
    measured: Any = None
    metric: str = ""
    deployment_id: int | None = None


class Deployer(Protocol):
    """What the app that deploys tells of releases."""

    def settle(self, device: Device, release: str | None) -> None:
        """The board reported that ``release`` is current; called in the transaction that writes it down."""

    def current(self, devices: Iterable[Device]) -> dict[int, KnownRelease]:
        """What runs on each device, by its id; devices that run nothing known are left out."""

    def known(self, device: Device, releases: set[str]) -> dict[str, KnownRelease]:
        """Those of the releases that the portal put on this board."""

    def attempts(self, device: Device) -> int:
        """How often something was deployed to the device."""


_deployers: list[Deployer] = []


def register(deployer: Deployer) -> None:
    _deployers[:] = [deployer]


def settle(device: Device, release: str | None) -> None:
    for deployer in _deployers:
        deployer.settle(device, release)


def current(devices: Iterable[Device]) -> dict[int, KnownRelease]:
    return _deployers[0].current(devices) if _deployers else {}


def known(device: Device, names: Iterable[str]) -> dict[str, KnownRelease]:
    wanted = {name for name in names if name}
    return _deployers[0].known(device, wanted) if _deployers and wanted else {}


def attempts(device: Device) -> int:
    return _deployers[0].attempts(device) if _deployers else 0
