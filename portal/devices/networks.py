"""The networks that devices may be in, and the connection to an address there.

A name is looked up once, its addresses are checked, and exactly these are connected to: no server of names
can lead elsewhere in between. Without DEVICE_NETWORKS, every address is allowed.
"""

from __future__ import annotations

import ipaddress
import socket

from django.conf import settings

from portal.devices.errors import Unreachable
from workers.contract.messages import msg


class NotAllowed(Unreachable):
    """The address is in none of the allowed networks. Nothing was sent there."""

    code = "network-not-allowed"

    def __init__(self, host: str, address: str):
        allowed = ", ".join(map(str, settings.DEVICE_NETWORKS))
        super().__init__(
            msg(
                "{host} is at {address}, and this server connects to devices in {allowed} only: use an "
                "address there, or ask its administrator to add the network to DEVICE_NETWORKS.",
                host=host,
                address=address,
                allowed=allowed,
            ),
            momentary=False,
        )


def is_allowed(address: str) -> bool:
    """Whether an IP address, perhaps with a zone as in fe80::1%eth0, is in an allowed network."""
    if not settings.DEVICE_NETWORKS:
        return True
    number = ipaddress.ip_address(address.partition("%")[0])
    number = getattr(number, "ipv4_mapped", None) or number
    return any(number in network for network in settings.DEVICE_NETWORKS)


def open_socket(host: str, port: int, timeout: float) -> socket.socket:
    """Connect to the first address of the host that answers. Raises NotAllowed, OSError, UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed = [row for row in found if is_allowed(row[4][0])]
    if not allowed:
        raise NotAllowed(host, found[0][4][0])
    failure: OSError | None = None
    for family, kind, protocol, _name, address in allowed:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(timeout)
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure or OSError(host)


def check_entered(host: str, is_behind_jump_host: bool) -> None:
    """For an address that a person enters: what can be told without a look-up. Raises NotAllowed."""
    number = host.partition("%")[0]
    try:
        is_known = bool(ipaddress.ip_address(number))
    except ValueError:
        is_known = False  # a name is looked up at each connection
    if is_known or is_behind_jump_host:
        check_number(host)


def check_number(host: str) -> None:
    """For an address that another host looks up: with limits, it must be a number. Raises NotAllowed."""
    if not settings.DEVICE_NETWORKS:
        return
    try:
        number = str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        raise NotAllowed(host, msg("an address that only the jump host knows")) from None
    if not is_allowed(number):
        raise NotAllowed(host, number)
