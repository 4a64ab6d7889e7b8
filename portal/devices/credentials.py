"""The secret for signing in to a board, bound to the place for which it was entered.

A secret belongs to one address, port, user and host key (``PLACE``). It is encrypted together with them, so
that a row that points elsewhere, whoever changed it and how, sends it nowhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.core import configs
from portal.core.encryption import seal, unseal
from portal.devices.connection import BoardConnection
from portal.devices.errors import BoardError, WrongPassword
from portal.devices.hostkeys import load_private_key
from portal.devices.jumping import Jump
from portal.devices.models import AccessChange, Device, JumpHost
from workers.contract.messages import msg

PLACE = ("host", "port", "username", "host_key")


class SecretNeeded(BoardError):
    """The stored secret belongs to another place: a person must enter it again."""

    code = "secret-needed"


@dataclasses.dataclass(frozen=True)
class Credentials:
    """How to sign in to a board: a password, or a private key with its passphrase.

    With both, the key signs in; the password is the board's, kept for people and to undo a change.
    """

    password: str = ""
    private_key: str = ""
    passphrase: str = ""

    def check(self) -> None:
        """Raise BoardError if a private key cannot be read."""
        if self.private_key:
            load_private_key(self.private_key, self.passphrase or None)

    @property
    def auth(self) -> str:
        return "key" if self.private_key else "password"

    def sealed(self, place: dict[str, Any]) -> str:
        """Encrypt for storage, together with its place."""
        return seal(dataclasses.asdict(self) | {"place": place})


def place_of(device: Device | JumpHost) -> dict[str, Any]:
    """The place that the device's row points to."""
    return {name: getattr(device, name) for name in PLACE}


def stored(device: Device) -> Credentials:
    """The device's credentials, decrypted. Raises WrongKey, or SecretNeeded if they are for another place.

    Secrets stored before they were bound name no place; they are for the row's, which has not changed since.
    """
    return unsealed(device, device.secret)


def unsealed(device: Device | JumpHost, secret: str) -> Credentials:
    """Credentials that were sealed for the device or jump host. Raises as ``stored``."""
    fields = unseal(secret)
    place = fields.pop("place", None)
    if place is not None and place != place_of(device):
        raise SecretNeeded(needed(device.auth, place))
    return Credentials(**fields)


def needed(auth: str, place: dict[str, Any]) -> str:
    """The sentence that asks for the secret of ``place`` again."""
    what = msg("private key") if auth == "key" else msg("password")
    return msg(
        "The stored {what} belongs to {username}@{host}:{port} and the host key pinned "
        "for it: enter the {what} again to change the address, port, user or host key.",
        what=what,
        username=place["username"],
        host=place["host"],
        port=place["port"],
    )


def sign_in(device: Device, on_wait: Callable[[], None] | None = None) -> BoardConnection:
    """Open a connection.

    If the board refuses the stored credentials, those of a change whose end is unknown are tried.

    Raises BoardError, WrongKey if the stored credentials cannot be read, and what ``on_wait`` raises.
    """
    try:
        return sign_in_with(device, stored(device), on_wait)
    except WrongPassword:
        unsure = device.access_changes.exclude(secret="").first()
        if unsure is None:
            raise
        connection = sign_in_with(device, unsealed(device, unsure.secret), on_wait)
        adopt(unsure)
        device.refresh_from_db(fields=["secret", "auth", "factory_password"])
        return connection


def sign_in_with(
    device: Device, secret: Credentials, on_wait: Callable[[], None] | None = None
) -> BoardConnection:
    """Open a connection with these credentials; a private key goes before a password."""
    return BoardConnection.connect(
        device.host,
        device.port,
        device.username,
        host_key=device.host_key,
        password=secret.password or None,
        private_key=secret.private_key or None,
        passphrase=secret.passphrase or None,
        timeout=settings.SSH_TIMEOUT_SECONDS,
        on_wait=on_wait,
        **way_to(device),
    )


def way_to(device: Device) -> dict[str, Jump]:
    """The argument ``jump`` for a device behind one. Raises as ``stored``."""
    return {"jump": jump_of(device.jump)} if device.jump is not None else {}


def jump_of(row: JumpHost) -> Jump:
    """The jump host with its secret. Raises as ``stored``."""
    secret = dataclasses.asdict(unsealed(row, row.secret))
    return Jump(row.name, row.host, row.port, row.username, row.host_key, **secret)


@transaction.atomic
def adopt(change: AccessChange) -> None:
    """Make the change's credentials, which the board has taken, the device's. Once only."""
    change = AccessChange.objects.select_for_update().get(pk=change.pk)
    device = Device.objects.select_for_update().get(pk=change.device_id)
    if not change.secret:
        return
    new, old = unsealed(device, change.secret), stored(device)
    device.secret, device.auth = change.secret, new.auth
    known = new.password or old.password  # a board has one password: a key does not change it
    device.factory_password = is_factory_password(device, known) if known else device.factory_password
    device.save(update_fields=["secret", "auth", "factory_password"])
    change.secret, change.done_at = "", timezone.now()
    change.save(update_fields=["secret", "done_at"])
    AccessChange.objects.filter(pk=change.undoes_id).update(undone_at=timezone.now(), previous="")


def is_factory_password(device: Device, password: str) -> bool | None:
    """Whether it is the one with which boards of its kind leave the factory; None if they have none."""
    try:
        default = device.board_profile.default_password
    except configs.Removed:
        return None
    return password == default if default else None
