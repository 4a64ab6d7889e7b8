"""Lets other apps have a say when a device's row is pointed at another address."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from portal.devices.errors import BoardError
from portal.devices.models import Device, JumpHost
from workers.contract.messages import msg


class AddressHeld(BoardError):
    """The address cannot change now."""

    code = "address-held"


_followers: list[Callable[[Device], None]] = []


def register(follow: Callable[[Device], None]) -> None:
    """``follow`` is called with the changed row, in the transaction that changes it; it may raise
    AddressHeld.
    """
    _followers.append(follow)


def way_changes(device: Device, fields: dict) -> bool:
    """Whether these changes of a row lead to it another way, besides its address."""
    return any(fields.get(name, getattr(device, name)) != getattr(device, name) for name in ("jump", "site"))


def way_of(device: Device) -> tuple:
    return device.host.lower(), device.port, device.jump_id, device.site


def moved(device: Device) -> None:
    for follow in _followers:
        follow(device)


def lock_jump_host(jump: JumpHost | None) -> None:
    """Keep it from being removed until the transaction ends. Raises AddressHeld if it is gone already."""
    assert transaction.get_connection().in_atomic_block
    if jump is not None and not JumpHost.objects.select_for_update().filter(pk=jump.pk).exists():
        raise AddressHeld(
            msg("The jump host {name} was removed meanwhile: choose another one, or none.", name=jump.name)
        )
