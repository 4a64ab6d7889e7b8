"""Signs the origin of a frame that a browser shows, so that the browser can hand the image back with it.

The portal streams frames and keeps none. An image that comes back with the signature is one that the portal
received from that device, whoever sends it.
"""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass

from django.core import signing
from django.utils import timezone

SALT = "camera.origin"
VALID_SECONDS = 3600


@dataclass(frozen=True)
class DeviceOrigin:
    """A device, the release that ran there, and when the portal received the image."""

    device: int
    release: str
    taken_at: datetime.datetime


def sign(jpeg: bytes, device: int, release: str) -> str:
    facts = [hashlib.sha256(jpeg).hexdigest(), device, release, timezone.now().timestamp()]
    return signing.dumps(facts, salt=SALT)


def read(text: str, content: bytes) -> DeviceOrigin | None:
    """The origin of this image; None if the signature is not for it, or too old."""
    try:
        digest, device, release, at = signing.loads(text, salt=SALT, max_age=VALID_SECONDS)
    except signing.BadSignature:
        return None
    if digest != hashlib.sha256(content).hexdigest():
        return None
    return DeviceOrigin(device, release, datetime.datetime.fromtimestamp(at, datetime.UTC))
