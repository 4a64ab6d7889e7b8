"""How long a browser stays signed in with a company account."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY

COMPANY = ("portal.teams.backends.Directory", "portal.teams.backends.Provider")


def is_of_company(request) -> bool:
    return request.session.get(BACKEND_SESSION_KEY) in COMPANY


def is_of_provider(request) -> bool:
    return request.session.get(BACKEND_SESSION_KEY) == COMPANY[1]


def shorten(request) -> None:
    """End the session of a company account after COMPANY_SESSION_HOURS: its groups are read at sign-in."""
    if is_of_company(request):
        request.session.set_expiry(settings.COMPANY_SESSION_SECONDS)
