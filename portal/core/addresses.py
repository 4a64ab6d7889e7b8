"""The address of a request's sender."""

from __future__ import annotations

import ipaddress

from django.conf import settings


def client_address(request) -> str | None:
    """The caller's IP address; None if unknown.

    Behind ``settings.PROXIES`` proxies, it is the entry of X-Forwarded-For that the outermost of them added.
    Entries to the left of it are the caller's own claim and are ignored.
    """
    found = request.META.get("REMOTE_ADDR", "")
    if settings.PROXIES:
        hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        if hops:
            found = hops[-min(settings.PROXIES, len(hops))]
    try:
        address = ipaddress.ip_address(found.strip("[]"))
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


def network(address: str | None) -> str:
    """The smallest network of one caller: an IPv4 address, or the first 64 bits of an IPv6 address.

    A provider gives every customer a /64 or more, so counting single addresses would bound nothing. Empty
    without an address.
    """
    if not address:
        return ""
    found = ipaddress.ip_address(address)
    return str(found) if found.version == 4 else found.exploded[:19]


def site(network: str) -> tuple[str, str] | None:
    """The first and last network of the surrounding /48, in the format of ``network``; None for IPv4.

    An organisation usually gets a /48.
    """
    if ":" not in network:
        return None
    return f"{network[:14]}:0000", f"{network[:14]}:ffff"
