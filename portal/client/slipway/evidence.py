"""Checks the signature of a deployment's evidence. It needs the file alone: no server and no package.

python -m slipway.evidence deployment-12.json --key team.pem
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway import ed25519
from slipway.errors import SlipwayError

FORMAT = "slipway-evidence/1"
MOST_BYTES = 32 * 1024 * 1024
# The last line of the HTML page; the signature covers every byte before it.
LINE = re.compile(rb"<!-- slipway-evidence/1 key=([A-Za-z0-9+/=]{44}) signature=([A-Za-z0-9+/=]{88}) -->\n?")
SPKI = bytes.fromhex("302a300506032b6570032100")  # of an Ed25519 public key, in DER (RFC 8410)


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
    if not ed25519.verify(public_key, signed, signature):
        raise NotGenuine("The signature is not valid: the file was changed after it was signed.")
    if key is not None and key != public_key:
        raise NotGenuine(f"It was signed with another key: {fingerprint(public_key)}.")
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
    lines = [line.strip() for line in str(text).splitlines() if line and "-----" not in line]
    try:
        der = base64.b64decode("".join(lines), validate=True)
    except (ValueError, binascii.Error):
        der = b""
    if len(der) != len(SPKI) + 32 or not der.startswith(SPKI):
        raise NotGenuine("The key is no Ed25519 public key in PEM.")
    return der[len(SPKI) :]


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
    lines = [
        ("deployment", f"{deployment['id']}, {deployment['state']}, by {deployment['by']}"),
        ("finished", str(deployment["finished_at"])),
        ("device", f"{document['device']['name']} ({document['device']['profile']})"),
        ("model", f"{document['model']['name']} for {document['model']['chip']}"),
        ("model file", document["release"].get("model_sha256") or "not recorded"),
        ("exception", document["gate"]["override"] or "none"),
        ("key", found.fingerprint),
    ]
    return lines


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="slipway.evidence", description="Verify a deployment's evidence.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", type=Path, help="the team's public key in PEM")
    given = parser.parse_args(argv)
    try:
        key = read_key(given.key.read_text()) if given.key else None
        found = verify(given.file.read_bytes(), key)
    except (NotGenuine, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print("The signature is valid.")
    for name, value in summary(found):
        print(f"  {name}: {value}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
