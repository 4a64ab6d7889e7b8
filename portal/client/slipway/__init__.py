"""Python client of a Slipway portal: upload, train, convert, deploy and infer through its public REST API.

from slipway import Client

with Client("https://slipway.example.org", token) as client:
    version = client.upload("parts/", "Parts")
    run = client.wait(client.run(version, preset="fast", devices=["Bench"]))
    print(client.report(run)["boards"])
"""

from slipway.client import Client
from slipway.errors import (
    Failed,
    NotAllowed,
    NotFound,
    Refused,
    SlipwayError,
    Undecided,
    Unreachable,
    Usage,
)

__all__ = [
    "Client",
    "Failed",
    "NotAllowed",
    "NotFound",
    "Refused",
    "SlipwayError",
    "Undecided",
    "Unreachable",
    "Usage",
]
