"""Signs in to a board: by private key, by password, or by password through keyboard-interactive.

Many Debian and Gentoo systems take a password only through keyboard-interactive (RFC 4256). It is the same
password, so it is tried that way wherever the server offers it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import paramiko

from portal.core.untrusted import clean_text
from portal.devices.errors import ConnectionLost, MalformedAnswer, SilentBoard, WrongPassword
from portal.devices.ssh import BoardTransport
from workers.contract.messages import msg

INTERACTIVE = "keyboard-interactive"
MAX_ROUNDS = 5
# Words in prompts that a password does not answer, although nothing is echoed.
OTHER_SECRETS = ("one-time", "otp", "token", "verification", "authenticator", "code:", "pin:")


class UnknownQuestion(paramiko.SSHException):
    """The server asks for something other than the password."""


class PasswordAnswers:
    """Answers the password prompt once; a second prompt means that the password was wrong.

    Called in the transport's thread. What it raises ends the connection, so nothing more is asked.
    """

    def __init__(self, password: str):
        self._password = password
        self._rounds = 0
        self.given = False

    def __call__(self, _title: str, _instructions: str, prompts: Sequence[tuple[str, bool]]) -> list[str]:
        self._rounds += 1
        if self._rounds > MAX_ROUNDS:
            raise UnknownQuestion(msg("it keeps asking"))
        if not prompts:
            return []  # servers send a round without prompts to show a message
        if self.given:
            raise paramiko.AuthenticationException
        if len(prompts) > 1 or not asks_for_password(*prompts[0]):
            question = clean_text(prompts[0][0], 60)
            raise UnknownQuestion(msg("it asks for {question}", question=repr(question)))
        self.given = True
        return [self._password]


def asks_for_password(prompt: str, echoed: bool) -> bool:
    text = prompt[:200].lower()
    return not echoed and not any(word in text for word in OTHER_SECRETS)


def log_in(
    transport: BoardTransport, address: str, user: str, password: str | None, key: paramiko.PKey | None
) -> None:
    """Raises WrongPassword, ConnectionLost, MalformedAnswer, or SilentBoard if no response comes in time."""
    what = "key" if key is not None else "password"
    try:
        if key is not None:
            rest = transport.sign_in(lambda handler, event: handler.auth_publickey(user, key, event))[1]
        else:
            rest = _by_password(transport, user, password or "")
    except UnknownQuestion as error:
        raise WrongPassword(
            msg(
                "The board at {address} asks for more than a password ({error}): give a private "
                "key instead, or switch off its second factor.",
                address=address,
                error=error,
            )
        ) from error
    except paramiko.BadAuthenticationType as error:
        raise _other_way(address, error.allowed_types, what) from error
    except paramiko.AuthenticationException as error:
        raise WrongPassword(
            msg(
                "The board at {address} refused the {what} of user {user}: correct the user name "
                "or the {what} on the device's page.",
                address=address,
                what=msg("key") if key is not None else msg("password"),
                user=user,
            )
        ) from error
    except TimeoutError as error:
        raise SilentBoard(
            msg(
                "The board at {address} did not answer the login within {seconds} seconds: "
                "it may be busy; try again, then restart it.",
                address=address,
                seconds=f"{transport.auth_timeout:g}",
            )
        ) from error
    except Exception as error:  # paramiko lets through any exception about malformed input
        if transport.overstepped is not None:
            raise MalformedAnswer.of_protocol(address, transport.overstepped) from error
        raise ConnectionLost(
            msg(
                "The connection to the board at {address} broke while logging in: check its "
                "power and its cable or Wi-Fi, then try again.",
                address=address,
            )
        ) from error
    if rest:
        raise _other_way(address, rest, what)


def _by_password(transport: BoardTransport, user: str, password: str) -> list[str]:
    try:
        return transport.sign_in(lambda handler, event: handler.auth_password(user, password, event))[1]
    except paramiko.AuthenticationException as error:
        handler = transport.auth_handler
        if INTERACTIVE not in handler.offered or not transport.is_active():
            raise
        return _by_question(transport, user, password, error)


def _by_question(
    transport: BoardTransport, user: str, password: str, refusal: paramiko.AuthenticationException
) -> list[str]:
    """Answer the server's prompt with the password.

    If the server rejected the password itself and prompts for something else, that rejection counts.
    """
    refused_outright = not isinstance(refusal, paramiko.BadAuthenticationType)
    answers = PasswordAnswers(password)
    with contextlib.suppress(UnknownQuestion) if refused_outright else contextlib.nullcontext():
        return transport.sign_in(lambda handler, event: handler.auth_interactive(user, answers, event))[1]
    raise refusal


def _other_way(address: str, offered: Sequence[str], what: str) -> WrongPassword:
    return WrongPassword(
        msg(
            "The board at {address} does not take this way of logging in (it offers "
            "{offered}): give {other} instead.",
            address=address,
            offered=", ".join(offered[:5]) or msg("nothing"),
            other=msg("a password") if what == "key" else msg("a private key"),
        )
    )
