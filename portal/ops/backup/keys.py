"""The server's secrets: they go to a file of their own, and a backup only knows which ones fit it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from pathlib import Path

from django.conf import settings

from portal.ops.backup import BackupError

NAMES = ("SECRET_KEY", "ENCRYPTION_KEY")


def fingerprint() -> str:
    """Shows whether two servers have the same ENCRYPTION_KEY, without revealing the key."""
    key = str(settings.ENCRYPTION_KEY).encode()
    return hmac.new(key, b"slipway backup", hashlib.sha256).hexdigest()[:32]


def write(path: Path, destination: str) -> None:
    """Write both secrets to a new private file, which must not lie in the destination. Raises BackupError."""
    path = path.expanduser().resolve()
    if not destination.startswith("s3://") and path.is_relative_to(Path(destination).expanduser().resolve()):
        raise BackupError("Keep the secrets elsewhere than the backup: both together open everything.")
    text = json.dumps({name: str(getattr(settings, name)) for name in NAMES}, indent=2) + "\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise BackupError(f"{path} exists: choose another name for the secrets.") from None
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error}") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
