"""Verifies the evidence of a deployment offline, from its file and the team's public key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from slipway.errors import SlipwayError

FORMAT = "slipway-evidence/1"
MOST_BYTES = 32 * 1024 * 1024
# The last line of the HTML page; the signature covers every byte before it.
LINE = re.compile(rb"<!-- slipway-evidence/1 key=([A-Za-z0-9+/=]{44}) signature=([A-Za-z0-9+/=]{88}) -->\n?")


class NotGenuine(SlipwayError):
    """The file was changed after it was signed, is no evidence, or was signed with another key."""


@dataclass(frozen=True)
class Verified:
    """Evidence with a valid signature. ``document`` is empty for the HTML page."""

    fingerprint: str
    document: dict[str, Any]


def verify(content: bytes, key: bytes | None = None) -> Verified:
    """Check evidence, the JSON file or the HTML page. Raises NotGenuine.

    ``key`` is the team's public key, 32 bytes. Without it only the key inside the file is used: compare its
    fingerprint with the team's.
    """
    if len(content) > MOST_BYTES:
        raise NotGenuine("The file is too large to be evidence of a deployment.")
    signed, public_key, signature = _of_page(content) or _of_json(content)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        raise NotGenuine("The signature is not valid: the file was changed after it was signed.") from None
    if key is not None and key != public_key:
        raise NotGenuine(
            f"It was signed with another key: {fingerprint(public_key)}. If the team's key was replaced "
            "since, the team's audit lists this fingerprint."
        )
    return Verified(fingerprint(public_key), json.loads(signed) if signed.startswith(b"{") else {})


def _of_page(content: bytes) -> tuple[bytes, bytes, bytes] | None:
    head, mark, tail = content.rpartition(b"<!-- slipway-evidence/1 ")
    found = LINE.fullmatch(mark + tail) if mark else None
    return (head, base64.b64decode(found[1]), base64.b64decode(found[2])) if found else None


def _of_json(content: bytes) -> tuple[bytes, bytes, bytes]:
    try:
        envelope = json.loads(content)
        parts = [envelope[name] for name in ("payload", "signature")]
        payload, signature = (base64.b64decode(part, validate=True) for part in parts)
        return payload, read_key(envelope["public_key"]), signature
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise NotGenuine("This is no evidence of a deployment, or it was cut short.") from None


def read_key(text: str) -> bytes:
    """The 32 bytes of a public key in PEM. Raises NotGenuine."""
    try:
        key = load_pem_public_key(str(text).encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise NotGenuine("The key is no Ed25519 public key in PEM.")
    return key.public_bytes_raw()


def fingerprint(public_key: bytes) -> str:
    return f"SHA256:{hashlib.sha256(public_key).hexdigest()}"


def check_model(found: Verified, sha256: str) -> None:
    """Raise NotGenuine unless this is the hash of the deployed model file."""
    if not found.document:
        raise NotGenuine("Only the JSON file names the model in a form that can be compared.")
    if found.document["release"].get("model_sha256") != sha256:
        raise NotGenuine("The model file is another one than the evidence names.")


def summary(found: Verified) -> list[tuple[str, str]]:
    """What the evidence says, in a few lines."""
    document = found.document
    if not document:
        return [("key", found.fingerprint)]
    deployment = document["deployment"]
    return [
        ("deployment", f"{deployment['id']}, {deployment['state']}, by {deployment['by']}"),
        ("finished", str(deployment["finished_at"])),
        ("device", f"{document['device']['name']} ({document['device']['profile']})"),
        ("model", f"{document['model']['name']} for {document['model']['chip']}"),
        ("model file", document["release"].get("model_sha256") or "not recorded"),
        ("exception", document["gate"]["override"] or "none"),
        ("key", found.fingerprint),
    ]
