"""The access log: one line per request with caller, target, status, size and duration. No queries, no
secrets.
"""

from __future__ import annotations

import logging

from portal.core.secret_paths import mask
from portal.ops.front.asked import Asked

logger = logging.getLogger("slipway.access")


def write(asked: Asked, status: int, size: int, seconds: float) -> None:
    words = (asked.address, asked.method, mask(asked.raw_path), status, size, seconds * 1000)
    logger.info("%s %s %s %d %d B %.0f ms", *words, extra={"request_id": asked.request_id})
