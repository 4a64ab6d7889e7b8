"""How long the portal's clients wait for PostgreSQL and for the S3 server: a server that is cut off answers
nothing, not even that it is gone.
"""

from __future__ import annotations

from typing import Any

from botocore.config import Config

# Of libpq. In all, half a minute for a connection whose other end does not acknowledge any more.
POSTGRESQL = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,  # milliseconds
    # The same at the server: otherwise it keeps the locks of a transaction for two hours after its host was
    # cut off, and no other host gets past them.
    "options": "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4"
    " -c tcp_user_timeout=30000",
}


def patient_postgresql(database: dict[str, Any]) -> None:
    """Add the limits to a database of the settings, under those that its URL names."""
    if database["ENGINE"].endswith("postgresql"):
        database["OPTIONS"] = POSTGRESQL | database.get("OPTIONS", {})


def s3_config(endpoint: str) -> Config:
    """Of boto3, whose own limits are a minute for each of five tries: pages wait for it."""
    return Config(
        # Servers other than AWS answer under one host name.
        s3={"addressing_style": "path" if endpoint else None},
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "max_attempts": 2},
    )
