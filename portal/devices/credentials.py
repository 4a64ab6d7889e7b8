"""The secret for signing in to a board, bound to the place for which it was entered.

A secret belongs to one address, port, user and host key (``PLACE``). It is encrypted together with them, so
that a row that points elsewhere, whoever changed it and how, sends it nowhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from django.conf import settings

from portal.core.encryption import seal, unseal
from portal.devices.connection import BoardConnection
from portal.devices.errors import BoardError
from portal.devices.hostkeys import load_private_key
from portal.devices.models import Device
from workers.contract.messages import msg

PLACE = ("host", "port", "username", "host_key")


class SecretNeeded(BoardError):
    """The stored secret belongs to another place: a person must enter it again."""

    code = "secret-needed"


@dataclasses.dataclass(frozen=True)
class Credentials:
    """How to sign in to a board: a password, or a private key with its passphrase."""

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


def place_of(device: Device) -> dict[str, Any]:
    """The place that the device's row points to."""
    return {name: getattr(device, name) for name in PLACE}


def stored(device: Device) -> Credentials:
    """The device's credentials, decrypted. Raises WrongKey, or SecretNeeded if they are for another place.

    Secrets stored before they were bound name no place; they are for the row's, which has not changed since.
    """
    fields = unseal(device.secret)
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

    Raises BoardError, WrongKey if the stored credentials cannot be read, and what ``on_wait`` raises.
    """
    secret = stored(device)
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
    )
