"""Validates a board's address before it is looked up, and the name of its site."""

from __future__ import annotations

import ipaddress
import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portal import env
from portal.core import names
from portal.jobs.sites import NO_SITE

SITE_LENGTH = 30
LONGEST = 253  # characters of a host name (RFC 1035)
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def check_host(text: str) -> None:
    """Raise ValidationError unless ``text`` is an IP address or a host name, in any script.

    IDNA drops zero-width characters, so that two texts would be one host: these are rejected first.
    """
    names.one_line(text)
    if not (_is_number(text) or _is_name(text)):
        raise ValidationError(_("This is not an address: write an IP number or a host name."))


def check_site(text: str) -> None:
    """Raise ValidationError unless a site can have this name."""
    if not env.SLUG.fullmatch(text) or text == NO_SITE:
        raise ValidationError(
            _("Name a site with small letters, digits and hyphens, such as harbour or depot-2.")
        )


def _is_number(text: str) -> bool:
    try:
        ipaddress.ip_address(text)  # an IPv6 address may name its zone: fe80::1%eth0
    except ValueError:
        return False
    return text.isprintable() and " " not in text and len(text) <= LONGEST


def _is_name(text: str) -> bool:
    try:
        plain = text.encode("idna").decode("ascii")
    except UnicodeError:
        return False
    labels = plain.removesuffix(".").split(".")
    return len(plain) <= LONGEST and all(_LABEL.fullmatch(label) for label in labels)
