"""API authentication: a token, or name and password."""

from __future__ import annotations

from datetime import timedelta

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.permissions import SAFE_METHODS

from portal.core import patience
from portal.core.addresses import client_address
from portal.core.messages import lazy_shown, shown
from portal.teams import audit, origins, second_factor, throttle, tokens
from portal.teams.models import ApiToken
from workers.contract.messages import msg

REALM = 'realm="Slipway"'
QUIET = timedelta(minutes=10)  # a program that keeps using an invalid token is recorded this often


class InvalidToken(exceptions.AuthenticationFailed):
    """The token in the Authorization header is not valid."""


class TooManyPasswords(exceptions.Throttled):
    """Says how long to wait, without the framework's own suffix."""

    def __init__(self, wait: int, sentence: str = ""):
        exceptions.APIException.__init__(self, shown(sentence or throttle.sentence(wait)))
        self.wait = wait


class BearerToken(authentication.BaseAuthentication):
    """``Authorization: Bearer slw_…``. Sets ``request.token``."""

    def authenticate(self, request):
        kind, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        # Kept for the challenge: the framework asks for that with only the request.
        request._request.bearer_refused = True
        secret = secret.strip()
        try:
            token = tokens.find(secret, client_address(request))
        except tokens.TokenRefused as error:
            _record(secret, str(error))
            raise InvalidToken(shown(error)) from error
        request._request.bearer_refused = False
        request._request.token = token
        return token.user, token

    def authenticate_header(self, request) -> str:
        if getattr(request, "bearer_refused", False):
            return f'Bearer {REALM}, error="invalid_token"'
        # A Basic challenge would make a browser ask for the password and remember it, see ``Password``.
        return f"Bearer {REALM}" if origins.is_browser(request) else f"Bearer {REALM}, Basic {REALM}"


def _record(secret: str, why: str) -> None:
    known = ApiToken.objects.filter(secret_hash=tokens.digest(secret)).first()
    label = str(known) if known else "a token that is not known"
    with patience.note("a refused token in the audit"):
        audit.refused("sign-in.token", known, label=label, detail=why, within=QUIET)


class ForeignOrigin(exceptions.PermissionDenied):
    """A page of another site made a browser call with its remembered password."""

    default_detail = lazy_shown(
        msg(
            "This call comes from a page of another site, and a password is not accepted there: "
            "use an API token, or call from a program."
        )
    )


class NeedsToken(exceptions.AuthenticationFailed):
    """A password alone does not open an account that has a second factor."""

    default_detail = lazy_shown(
        msg("This account has a second factor, so its password alone is not enough here: use an API token.")
    )


class Password(authentication.BasicAuthentication):
    """HTTP Basic with a person's name and password, throttled like the sign-in page.

    It is for programs. A browser that remembers a password sends it with every cross-site form, and no CSRF
    token protects it; so a call that a browser marks as cross-site changes nothing.
    """

    www_authenticate_realm = "Slipway"

    def authenticate(self, request):
        is_basic = request.META.get("HTTP_AUTHORIZATION", "").strip().lower().startswith("basic")
        if is_basic and request.method not in SAFE_METHODS and origins.is_foreign(request):
            raise ForeignOrigin
        return super().authenticate(request)

    def authenticate_credentials(self, userid, password, request=None):
        wait = throttle.request_wait(request, userid)
        if wait:
            raise TooManyPasswords(wait)
        request._request.by_password = True
        try:
            if "\0" in userid:  # no database stores it
                raise exceptions.AuthenticationFailed
            user, _ = super().authenticate_credentials(userid, password, request)
        except exceptions.AuthenticationFailed:
            throttle.failed(userid)
            raise
        if second_factor.of(user):
            raise NeedsToken
        return user, None


class BearerTokenScheme(OpenApiAuthenticationExtension):
    """Describes tokens in the schema."""

    target_class = "portal.teams.authentication.BearerToken"
    name = "token"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer", "description": "An API token, made on the page Team."}


class PasswordScheme(OpenApiAuthenticationExtension):
    """Describes Basic authentication in the schema."""

    target_class = "portal.teams.authentication.Password"
    name = "password"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "basic"}
