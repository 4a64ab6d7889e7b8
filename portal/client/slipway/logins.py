"""The portal's URL and token: from the environment, else from ``slipway login``."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from slipway.errors import NotAllowed, Usage


@dataclass(frozen=True)
class Login:
    """A portal's URL without a trailing slash, a token for it, and a CA bundle."""

    url: str
    token: str
    cacert: str = ""


def path() -> Path:
    """The file that ``slipway login`` writes."""
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "slipway" / "login.json"


def clean_url(text: str) -> str:
    """A typed URL, with a scheme and without a trailing slash. Raises Usage."""
    url = text.strip() if "://" in text else f"http://{text.strip()}"
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        right = False
    if not right or parts.username or parts.query or parts.fragment:
        raise Usage(f"{text!r} is not the address of a portal: give it as http://portal.example:8000.")
    return url.rstrip("/")


def save(login: Login) -> Path:
    """Store a login for later calls, readable by its owner only."""
    target = path()
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".login-")  # created with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(login), file, indent=2)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
    return target


def forget() -> Login | None:
    """Remove the stored login and return it."""
    known = stored()
    path().unlink(missing_ok=True)
    return known


def stored() -> Login | None:
    """The stored login; None if there is no readable one."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(path().read_text(encoding="utf-8"))
        return Login(str(kept["url"]), str(kept["token"]), str(kept.get("cacert", "")))
    return None


def current() -> Login:
    """The login to use. The environment wins; a stored token is never sent to another portal.

    Raises NotAllowed if there is no login.
    """
    kept = stored()
    url = os.environ.get("SLIPWAY_URL", "").strip()
    token = os.environ.get("SLIPWAY_TOKEN", "").strip()
    url = clean_url(url) if url else kept.url if kept else ""
    ours = kept if kept and kept.url == url else None
    token = token or (ours.token if ours else "")
    if not url:
        raise NotAllowed(
            "You are not signed in: run  slipway login URL  or set SLIPWAY_URL and SLIPWAY_TOKEN."
        )
    if not token:
        raise NotAllowed(f"There is no token for {url}: run  slipway login {url}  or set SLIPWAY_TOKEN.")
    if not token.isascii() or not token.isprintable():
        raise NotAllowed("The token holds characters that no token has: check that it was copied whole.")
    return Login(url, token, ours.cacert if ours else "")
