"""The OpenID provider: authorization code flow with PKCE, state and nonce, by Authlib.

An ID token counts only with a valid signature by one of the provider's published keys, for this client, this
issuer, this attempt (nonce) and this moment. Every request to the provider has a deadline and a bound.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from urllib.parse import urlencode, urlsplit

from authlib.integrations.base_client import BaseApp, OAuthError, OpenIDMixin
from authlib.integrations.base_client.sync_app import OAuth2Base, OAuth2Mixin
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import UserInfo
from django.conf import settings
from django.utils.crypto import constant_time_compare
from joserfc.errors import JoseError
from requests import RequestException, Response

from portal.teams.deadlines import Conversations
from portal.teams.identities import ELSEWHERE, LONGEST_ID, Claims, NotAccepted, groups_in
from workers.contract.messages import msg

log = logging.getLogger(__name__)
# Signatures with a public key. Those with a shared secret, and "none", are never accepted.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
TOTAL_SECONDS = 15.0
ANSWER_BYTES = 1024 * 1024
METADATA_SECONDS = 3600
LEEWAY_SECONDS = 60  # that the two clocks may differ
BEGUN_SECONDS = 600  # that a person may spend at the provider
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
KEPT = (
    *("issuer", *ENDPOINTS, "userinfo_endpoint", "end_session_endpoint"),
    "token_endpoint_auth_methods_supported",
)
_conversations = Conversations("openid")
_metadata: dict = {}  # of the provider, for an hour


class Away(Exception):
    """The provider cannot be used now; the message is for the person who wants to sign in."""


class _Session(OAuth2Session):
    """Requests that follow no redirect and read a bounded answer."""

    def request(self, method, url, withhold_token=False, auth=None, **kwargs):
        kwargs |= {"timeout": TOTAL_SECONDS, "allow_redirects": False, "stream": True}
        if settings.COMPANY_CA_FILE:
            kwargs["verify"] = str(settings.COMPANY_CA_FILE)
        response = super().request(method, url, withhold_token=withhold_token, auth=auth, **kwargs)
        with contextlib.closing(response):
            _read(response)
        return response


def _read(response: Response) -> None:
    content = response.raw.read(ANSWER_BYTES + 1, decode_content=True)
    if len(content) > ANSWER_BYTES:
        raise RequestException("the answer is too long")
    response._content, response._content_consumed = content, True


class _App(OAuth2Mixin, OpenIDMixin, BaseApp, OAuth2Base):
    """Authlib's client, without a web framework."""

    client_cls = _Session


def begin(redirect_uri: str) -> dict:
    """Where to send the person (``url``), and what to keep until they return. Raises Away."""
    begun = _within(lambda: _app().create_authorization_url(redirect_uri))
    return {**begun, "redirect_uri": redirect_uri, "at": time.time()}


def finish(begun: dict, answer: dict) -> Claims:
    """Who returned from the provider. ``answer`` is the query of the callback.

    Raises NotAccepted or Away.
    """
    if not constant_time_compare(str(answer.get("state", "")), begun.get("state") or "\0"):
        raise NotAccepted(ELSEWHERE)
    if time.time() - begun["at"] > BEGUN_SECONDS:
        raise NotAccepted(msg("This sign-in took too long: start it again."))
    if answer.get("error") or not answer.get("code"):
        raise _refused(answer)
    return _within(lambda: _claims(begun, str(answer["code"])))


def sign_out_url(back: str) -> str | None:
    """Where a person can sign out at the provider too; None if it offers no such page."""
    url = _within(_load).get("end_session_endpoint")
    if not isinstance(url, str) or not _is_safe(url):
        return None
    query = urlencode({"client_id": settings.OIDC_CLIENT_ID, "post_logout_redirect_uri": back})
    return f"{url}{'&' if urlsplit(url).query else '?'}{query}"


def _refused(answer: dict) -> NotAccepted:
    error = str(answer.get("error", "no code"))[:100]
    log.warning("The OpenID provider refused a sign-in: %r", error)
    return NotAccepted(
        msg("{name} did not let you in ({error}): start again, or ask its administrator.",
            name=settings.OIDC_NAME, error=error)
    )  # fmt: skip


# --- one conversation --------------------------------------------------------------------------


def _within(call):
    """Run a conversation with the provider, with a deadline for all of it. Raises Away or NotAccepted."""
    try:
        return _conversations.within(TOTAL_SECONDS, call)
    except (NotAccepted, Away):
        raise
    except (JoseError, OAuthError) as error:
        raise _bad_token(error) from error
    except Exception as error:  # whatever its answers do to the libraries
        raise _away(f"{type(error).__name__}: {error}") from error


def _away(why: str) -> Away:
    log.warning("The OpenID provider %s cannot be used: %s", settings.OIDC_ISSUER, why)
    return Away(
        msg("{name} cannot be reached now. Try again in a moment, or sign in with a password of this server.",
            name=settings.OIDC_NAME)
    )  # fmt: skip


def _bad_token(error: Exception) -> NotAccepted:
    log.warning("The OpenID provider %s sent a token that is not valid: %s", settings.OIDC_ISSUER, error)
    return NotAccepted(
        msg("The answer of {name} is not valid: start again. If that does not help, ask the server's "
            "administrator to read its log.", name=settings.OIDC_NAME)
    )  # fmt: skip


def _app() -> _App:
    return _App(
        framework=None,
        client_id=settings.OIDC_CLIENT_ID,
        client_secret=settings.OIDC_CLIENT_SECRET or None,
        client_kwargs={
            "scope": settings.OIDC_SCOPES,
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": _auth_method(),
        },
        **_load(),
    )


def _auth_method() -> str:
    """How the client proves itself: with its secret in a header, unless the provider takes it in the body
    only.
    """
    if not settings.OIDC_CLIENT_SECRET:
        return "none"
    known = _load().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return "client_secret_basic" if "client_secret_basic" in known else "client_secret_post"


def _load() -> dict:
    """The provider's metadata. Its issuer must be the one in the settings."""
    if _metadata.get("issuer") == settings.OIDC_ISSUER:
        if time.time() - _metadata["_loaded_at"] < METADATA_SECONDS:
            return dict(_metadata)
    url = settings.OIDC_ISSUER.rstrip("/") + "/.well-known/openid-configuration"
    with _Session() as session:
        found = _json(session.request("GET", url, withhold_token=True))
    if found.get("issuer") != settings.OIDC_ISSUER:
        raise _away(f"its metadata is of the issuer {found.get('issuer')!r}, not {settings.OIDC_ISSUER!r}")
    if wrong := [name for name in ENDPOINTS if not _is_safe(found.get(name))]:
        raise _away(f"its metadata has no https address for {', '.join(wrong)}")
    kept = {name: found.get(name) for name in KEPT} | {
        "id_token_signing_alg_values_supported": ALGORITHMS,
        "_loaded_at": time.time(),
    }
    _metadata.clear()
    _metadata.update(kept)
    return dict(kept)


def _json(response: Response) -> dict:
    if response.status_code != 200:
        raise _away(f"status {response.status_code} of {urlsplit(response.url).path}")
    found = json.loads(response.content)
    if not isinstance(found, dict):
        raise _away(f"{urlsplit(response.url).path} is not a JSON object")
    return found


def _is_safe(url) -> bool:
    """Whether tokens may be sent there: https, or http where the issuer itself has it."""
    return isinstance(url, str) and url.startswith(
        ("https://", f"{urlsplit(settings.OIDC_ISSUER).scheme}://")
    )


def _claims(begun: dict, code: str) -> Claims:
    app = _app()
    token = app.fetch_access_token(
        redirect_uri=begun["redirect_uri"], code=code, code_verifier=begun["code_verifier"]
    )
    if not isinstance(token.get("id_token"), str):
        raise _bad_token(ValueError("no ID token"))
    must = {
        "iss": {"essential": True, "value": settings.OIDC_ISSUER},
        "aud": {"essential": True, "value": settings.OIDC_CLIENT_ID},
    }
    found = app.parse_id_token(token, begun["nonce"], claims_options=must, leeway=LEEWAY_SECONDS)
    return _person(_with_user_info(app, token, found))


def _with_user_info(app: _App, token: dict, found: UserInfo) -> dict:
    """The ID token's claims, with those of the user info that it lacks: some providers send few in it."""
    url = app.server_metadata.get("userinfo_endpoint")
    wanted = {settings.OIDC_GROUPS_CLAIM, "preferred_username", "email"}
    if not url or wanted <= found.keys() or not _is_safe(url):
        return dict(found)
    more = _json(app.get(url, token=token))
    if more.get("sub") != found["sub"]:
        raise _bad_token(ValueError("the user info is of another person"))
    return {**more, **found}


def _person(found: dict) -> Claims:
    if settings.OIDC_GROUPS_CLAIM in (found.get("_claim_names") or {}):
        raise NotAccepted(
            msg("{name} leaves out your groups because they are too many: ask the server's administrator to "
                "have it send those of this portal only.", name=settings.OIDC_NAME)
        )  # fmt: skip
    email = found.get("email") if found.get("email_verified") is True else ""
    email = email if isinstance(email, str) and len(email) <= 254 else ""
    name = found.get("preferred_username") or found.get("email") or found["sub"]
    return Claims(
        issuer=settings.OIDC_ISSUER,
        subject=str(found["sub"])[: LONGEST_ID + 1],
        name=str(name).partition("@")[0],
        email=email,
        groups=groups_in(found.get(settings.OIDC_GROUPS_CLAIM)),
    )
