"""The reader's language, and where their choice is stored."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.utils import translation


def wanted(request) -> str:
    """The code of the language to respond in.

    A person's own choice first, wherever they sign in; then the choice stored in this browser; then the
    browser's preference. Programs get English: the API speaks another language only to the portal's own
    scripts, which use a person's session.
    """
    if request.path.startswith("/api/") and not request.user.is_authenticated:
        return settings.LANGUAGE_CODE
    chosen = getattr(request.user, "language", "")
    return chosen if is_known(chosen) else translation.get_language_from_request(request)


def of(user) -> str:
    """The language of mails to a person; English until they choose one."""
    return user.language if is_known(user.language) else settings.LANGUAGE_CODE


def is_known(code: str) -> bool:
    return code in dict(settings.LANGUAGES)


def remember(request, response: HttpResponse, code: str) -> None:
    """Store the choice in the browser, and for a signed-in person in their account."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        samesite=settings.LANGUAGE_COOKIE_SAMESITE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=True,
    )
    if request.user.is_authenticated:
        request.user.language = code
        request.user.save(update_fields=["language"])
