"""Encryption of credentials at rest, with the key in ``settings.ENCRYPTION_KEY`` (Fernet)."""

from __future__ import annotations

import json

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from workers.contract import InputError
from workers.contract.messages import msg


class WrongKey(InputError):
    """The stored data was encrypted with another ENCRYPTION_KEY."""


def seal(fields: dict) -> str:
    """Encrypt a small dict."""
    return Fernet(settings.ENCRYPTION_KEY).encrypt(json.dumps(fields).encode()).decode()


def unseal(text: str) -> dict:
    """Decrypt the output of ``seal``. Raises WrongKey if the key has changed."""
    try:
        return json.loads(Fernet(settings.ENCRYPTION_KEY).decrypt(text.encode()))
    except InvalidToken:
        raise WrongKey(
            msg(
                "The stored credentials cannot be read with this server's encryption key: "
                "enter them again on the device's page."
            )
        ) from None
