"""Where a request comes from."""

from __future__ import annotations

import ipaddress

from django.conf import settings


def client_address(request) -> str | None:
    """The caller's IP address, or None when there is none to tell.

    Behind ``settings.PROXIES`` proxies it is the entry of X-Forwarded-For that the outermost of them
    added; what stands left of it is the caller's own claim and is not believed.
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
    """What one caller has at the least: an IPv4 address, or the first 64 bits of an IPv6 one.

    A provider gives every customer a /64 or more; counted one by one, its addresses never run out.
    Empty without an address.
    """
    if not address:
        return ""
    found = ipaddress.ip_address(address)
    return str(found) if found.version == 4 else found.exploded[:19]


def site(network: str) -> tuple[str, str] | None:
    """The first and the last network of the /48 around this one, as ``network`` writes them; None for IPv4.

    A /48 is what one organisation is given as a rule.
    """
    if ":" not in network:
        return None
    return f"{network[:14]}:0000", f"{network[:14]}:ffff"
