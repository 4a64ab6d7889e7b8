"""Writes ``.env``, the secrets of the containers, once; harmless to repeat.

    python3 configs/containers/make_env.py [FILE]

Only the standard library: it runs before anything is installed. A variable that the file has already,
with any value, stays as it is; missing ones are added. The file is readable by its owner only.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from pathlib import Path

HEADER = "# Secrets of the containers. Keep a copy: without ENCRYPTION_KEY board credentials are lost.\n"
# Hexadecimal where a program takes the value as an argument or in a URL: no sign has a meaning there.
MAKERS = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "ENCRYPTION_KEY": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "POSTGRES_PASSWORD": lambda: secrets.token_hex(24),
    "REDIS_PASSWORD": lambda: secrets.token_hex(24),
    "S3_ACCESS_KEY": lambda: secrets.token_hex(10),
    "S3_SECRET_KEY": lambda: secrets.token_hex(24),
    "METRICS_TOKEN": lambda: secrets.token_urlsafe(24),
    "GRAFANA_PASSWORD": lambda: secrets.token_urlsafe(18),
    "VIRTUAL_BOARD_PASSWORD": lambda: secrets.token_urlsafe(18),
}


def names(text: str) -> set[str]:
    """The variables that the text sets."""
    lines = (line.strip() for line in text.splitlines())
    return {line.partition("=")[0].strip() for line in lines if "=" in line and not line.startswith("#")}


def complete(path: Path) -> list[str]:
    """Add what is missing to the file; return the names added."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        text = file.read()
        missing = [name for name in MAKERS if name not in names(text)]
        if text and not text.endswith("\n"):
            file.write("\n")
        file.write("" if text else HEADER)
        file.writelines(f"{name}={MAKERS[name]()}\n" for name in missing)
    return missing


def main() -> int:
    root = Path(__file__).resolve().parents[2]
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else root / ".env"
    added = complete(path)
    print(f"{path}: {'added ' + ', '.join(added) if added else 'complete already'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
