"""Health checks of the images: exit status 0 when the container's own process does its work.

    python configs/containers/health.py web | worker NAME | beat | ssh PORT

Nothing of Django is imported, so a check costs a fraction of a second.
"""

from __future__ import annotations

import os
import socket
import sys
import time
import urllib.request
from pathlib import Path

TIMEOUT_SECONDS = 8
CLOCK_SECONDS = 120  # something is due every few seconds


def web() -> bool:
    """The server can use its database and its stored files."""
    with urllib.request.urlopen("http://127.0.0.1:8000/readyz", timeout=TIMEOUT_SECONDS) as answer:
        return answer.status == 200


def worker(name: str) -> bool:
    """The Celery worker of this container answers through the broker, busy or not."""
    from celery import Celery

    app = Celery(broker=os.environ["REDIS_URL"])
    return bool(app.control.ping([f"{name}@{socket.gethostname()}"], timeout=TIMEOUT_SECONDS, limit=1))


def beat() -> bool:
    """The clock has lately sent something, or tried to; see portal/celery.py."""
    try:
        sent_at = Path(os.environ["SLIPWAY_VAR"], "run", "beat-sent").stat().st_mtime
    except FileNotFoundError:
        return False
    return time.time() - sent_at < CLOCK_SECONDS


def ssh(port: str) -> bool:
    """The virtual board greets as an SSH server does."""
    with socket.create_connection(("127.0.0.1", int(port)), TIMEOUT_SECONDS) as connection:
        return connection.recv(4) == b"SSH-"


if __name__ == "__main__":
    check = {"web": web, "worker": worker, "beat": beat, "ssh": ssh}[sys.argv[1]]
    sys.exit(0 if check(*sys.argv[2:]) else 1)
