"""One line for each request: who, what, how it ended, how large and how long. No queries and no secrets."""

from __future__ import annotations

import logging

from portal.core.secret_paths import mask

logger = logging.getLogger("slipway.access")


def write(address: str, method: str, raw_path: str, status: int, size: int, seconds: float) -> None:
    logger.info("%s %s %s %d %d B %.0f ms", address, method, mask(raw_path), status, size, seconds * 1000)
