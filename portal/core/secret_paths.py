"""URLs that hold a secret, such as an invitation's, are logged and audited without it."""

from __future__ import annotations

import logging
import re
from urllib.parse import unquote

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.urls import Resolver404, resolve

# Names of path parameters (see the apps' ``urls.py``) that grant access to whoever knows them.
SECRET_PARTS = {"secret", "token", "uidb64", "key", "code", "password"}
HIDDEN = "***"
# An unknown path may be a mistyped secret one.
_LONG_PART = re.compile(r"[^/]{16,}")
_TOKEN = re.compile(r"slw_[\w-]+")


def mask(path: str) -> str:
    """``path``, percent-encoded or not, without its query and without secrets."""
    path = _TOKEN.sub(HIDDEN, path.partition("?")[0])
    plain = unquote(path)
    if plain.startswith(settings.STATIC_URL):
        return path
    for candidate in (plain, plain + "/"):
        try:
            match = resolve(candidate)
        except (Resolver404, ValueError):
            continue
        secrets = [str(value) for name, value in match.kwargs.items() if name in SECRET_PARTS]
        return "/".join(HIDDEN if unquote(part) in secrets else part for part in path.split("/"))
    return _LONG_PART.sub(HIDDEN, path)


class AboutRequests(logging.Filter):
    """Masks the URLs in Django's log records about requests.

    A malformed request takes one line: its traceback would tell nothing.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.") and isinstance(record.args, tuple):
            record.args = tuple(
                mask(one) if isinstance(one, str) and one.startswith("/") else one for one in record.args
            )
        if record.exc_info and isinstance(record.exc_info[1], SuspiciousOperation):
            record.exc_info = None
        return True
