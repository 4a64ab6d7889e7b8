"""Typed environment variables: each has a default, and an invalid value is rejected with a sentence.

Only this module reads ``os.environ``. Every variable is in the README's table of settings.
"""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path

SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?")


class SettingError(Exception):
    """An environment variable has a value that cannot be used."""


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def boolean(name: str, default: bool) -> bool:
    value = text(name, "yes" if default else "no").lower()
    if value in {"1", "yes", "true", "on"}:
        return True
    if value in {"0", "no", "false", "off", ""}:
        return False
    raise SettingError(f"{name} must be yes or no, not {value!r}.")


def integer(name: str, default: int, least: int = 0) -> int:
    value = text(name, str(default))
    try:
        number = int(value)
    except ValueError:
        raise SettingError(f"{name} must be a whole number, not {value!r}.") from None
    if number < least:
        raise SettingError(f"{name} must be at least {least}, not {number}.")
    return number


def address(name: str, host: str, port: int) -> str:
    """A website's URL; the default is that of a server at ``host`` and ``port`` on this machine."""
    value = text(name)
    if not value:
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (no name to be reached by)
        return f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"
    if not value.startswith(("http://", "https://")):
        raise SettingError(f"{name} must begin with http:// or https://, not {value!r}.")
    return value.rstrip("/")


def names(name: str, default: str) -> list[str]:
    """A comma-separated list of words."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def slugs(name: str) -> list[str]:
    """Comma-separated short names of small letters, digits and hyphens."""
    found = names(name, "")
    for word in found:
        if not SLUG.fullmatch(word):
            raise SettingError(f"{name} must be names such as harbour or depot-2, not {word!r}.")
    return found


def pairs(name: str) -> dict[str, str]:
    """Comma-separated ``name=value`` pairs."""
    found: dict[str, str] = {}
    for word in names(name, ""):
        key, equals, value = (part.strip() for part in word.partition("="))
        if not key or not equals or not value:
            raise SettingError(
                f"{name} must be pairs like photos=/srv/photos with commas between, not {word!r}."
            )
        if key in found:
            raise SettingError(f"{name} names {key!r} twice.")
        found[key] = value
    return found


def networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Comma-separated networks such as ``10.0.0.0/8``, or single addresses."""
    words = names(name, "")
    if text(name) and not words:
        raise SettingError(f"{name} must hold networks such as 10.0.0.0/8, not {text(name)!r}.")
    try:
        return [ipaddress.ip_network(word) for word in words]
    except ValueError as error:
        raise SettingError(f"{name} must hold networks such as 10.0.0.0/8: {error}.") from None


def path(name: str, default: Path | None = None) -> Path | None:
    value = text(name)
    return Path(value).expanduser().resolve() if value else default


def executable(name: str, default: Path) -> Path:
    """A program's path, kept as given: a virtual environment's interpreter is a link."""
    value = text(name)
    return Path(value).expanduser().absolute() if value else default
