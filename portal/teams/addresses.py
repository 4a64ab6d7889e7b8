"""From where a request comes."""

from __future__ import annotations

import ipaddress

from django.conf import settings


def client_address(request) -> str | None:
    """The asker's IP address, or None when there is none to tell.

    Behind ``settings.PROXIES`` proxies it is the entry of X-Forwarded-For that the outermost of them
    added; what stands left of it is the asker's own claim and is not believed.
    """
    found = request.META.get("REMOTE_ADDR", "")
    if settings.PROXIES:
        hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        if hops:
            found = hops[-min(settings.PROXIES, len(hops))]
    try:
        return str(ipaddress.ip_address(found.strip("[]")))
    except ValueError:
        return None
