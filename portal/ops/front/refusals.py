"""The responses that the front gives by itself."""

from __future__ import annotations

from portal.core.bodies import API, UPLOADS
from workers.contract.messages import msg
from workers.datakit.limits import human_bytes


class Gone(Exception):
    """The client has disconnected."""


class Refusal(Exception):
    """The request ends here, with a status and a sentence for the reader."""

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None):
        super().__init__(sentence)
        self.status, self.sentence, self.headers = status, sentence, headers or {}


def too_large(most: int, path: str = "") -> Refusal:
    """``path``: of an address that takes no files."""
    size = human_bytes(most)
    if path.startswith(API):
        sentence = msg(
            "The request is too large: this address accepts at most {most}. Send a file to {uploads}, which "
            "takes it in pieces, and name the upload here.",
            most=size,
            uploads=UPLOADS,
        )
    else:
        sentence = msg("The request is too large: this address accepts at most {most}.", most=size)
    return Refusal(413, sentence)


def sign_in_first() -> Refusal:
    return Refusal(413, msg("Sign in first: without signing in, only small requests are accepted."))


def unknown_caller() -> Refusal:
    return Refusal(
        401,
        msg("Send a token or a password: without one, only small requests are accepted."),
        {"WWW-Authenticate": 'Bearer realm="Slipway"'},
    )


def busy(seconds: int) -> Refusal:
    return Refusal(
        503, msg("The server is busy: wait a few seconds, then try again."), {"Retry-After": str(seconds)}
    )
