"""Secrets and signatures of webhooks, as specified by https://www.standardwebhooks.com."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from portal.core.encryption import WrongKey, seal, unseal
from workers.contract.messages import msg

BEGINS = "whsec_"
BYTES = 32  # of a secret; the standard requires 24 to 64


def new_secret() -> str:
    return BEGINS + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def sealed(secret: str) -> str:
    """The encrypted secret, as stored."""
    return seal({"secret": secret})


def headers(stored: str, id: str, moment: int, body: bytes) -> dict[str, str]:
    """The headers that prove who sent ``body`` and when; ``moment`` is in seconds since the epoch.

    The signature is the HMAC-SHA256 of id, moment and body, joined by full stops. Raises WrongKey with a
    sentence if the secret cannot be decrypted.
    """
    signed = hmac.new(_key(stored), f"{id}.{moment}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(moment),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


def _key(stored: str) -> bytes:
    try:
        secret = unseal(stored)["secret"]
    except WrongKey:
        words = msg("Its secret cannot be read with this server's encryption key: make a new one.")
        raise WrongKey(words) from None
    try:
        return base64.b64decode(secret.removeprefix(BEGINS), validate=True)
    except ValueError:
        raise WrongKey(msg("Its secret has the form of an earlier release: make a new one.")) from None
