"""The way to a board: directly, or through a jump host, which gets a channel to the board and nothing else.

The board's host key, password and commands go through the channel encrypted: the jump host cannot read them.
Its own host key is pinned too, and compared before its secret is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import paramiko

from portal.core.untrusted import clean_sentence
from portal.devices import networks
from portal.devices.errors import (
    BoardError,
    ConnectionLost,
    HostKeyChanged,
    SilentBoard,
    Unreachable,
    WrongPassword,
)
from portal.devices.hostkeys import Connect, HostKey, check_host_key, load_private_key, open_transport
from portal.devices.login import log_in
from portal.devices.ssh import BoardTransport
from portal.devices.waiting import Overdue, call_within
from workers.contract.messages import Message, msg

KEEPALIVE_SECONDS = 10


@dataclass(frozen=True)
class Jump:
    """A jump host and how to sign in to it."""

    name: str
    host: str
    port: int
    username: str
    host_key: str
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)


class JumpFailed(BoardError):
    """The jump host refused the login or shows another host key; nothing was sent to the board."""

    code = "jump-failed"


def open_board(
    host: str,
    port: int,
    timeout: float,
    *,
    prefer: HostKey | None = None,
    jump: Jump | None = None,
    hold: Callable[[BoardTransport], None] = lambda transport: None,
) -> BoardTransport:
    """Connect to the board and exchange keys; ``hold`` gets each connection, to close it if time is up.

    Raises Unreachable, ConnectionLost, JumpFailed.
    """
    if jump is None:
        transport = open_transport(host, port, timeout, prefer=prefer)
        hold(transport)
        return transport
    line = _sign_in(jump, timeout, hold)
    try:
        transport = open_transport(host, port, timeout, prefer, _through(line, jump))
    except BaseException:
        line.close()
        raise
    transport.carrier = line
    hold(transport)
    return transport


def _sign_in(jump: Jump, timeout: float, hold: Callable[[BoardTransport], None]) -> BoardTransport:
    address, pinned = f"{jump.host}:{jump.port}", HostKey.parse(jump.host_key)
    try:
        key = load_private_key(jump.private_key, jump.passphrase or None) if jump.private_key else None
        line = open_transport(jump.host, jump.port, timeout, prefer=pinned)
        hold(line)
        check_host_key(line, address, pinned)
        log_in(line, address, jump.username, jump.password or None, key)
    except BoardError as error:
        raise _on_the_way(jump, error) from error
    line.set_keepalive(KEEPALIVE_SECONDS)
    return line


def _on_the_way(jump: Jump, error: BoardError) -> BoardError:
    """The same failure, as the jump host's, which is corrected elsewhere than a board's."""
    sentence = _sentence(jump, error)
    if isinstance(error, Unreachable):
        return Unreachable(sentence, error.momentary)
    return ConnectionLost(sentence) if isinstance(error, ConnectionLost) else JumpFailed(sentence)


def _sentence(jump: Jump, error: BoardError) -> Message:
    named = {"name": jump.name, "address": f"{jump.host}:{jump.port}"}
    if isinstance(error, HostKeyChanged):
        return msg(
            "The jump host {name} at {address} shows another key than the pinned one (pinned {expected}, now "
            "{found}). If it was set up anew, set it again under Devices, Jump hosts; if not, another "
            "machine answers at its address: nothing was sent to it.",
            expected=error.expected,
            found=error.found,
            **named,
        )
    if isinstance(error, WrongPassword):
        return msg(
            "The jump host {name} at {address} does not let the user {user} in with this password or key: "
            "correct it under Devices, Jump hosts.",
            user=jump.username,
            **named,
        )
    if isinstance(error, Unreachable):
        return msg(
            "The jump host {name} at {address} cannot be reached ({error}): check that it runs, and its "
            "address and port under Devices, Jump hosts.",
            error=clean_sentence(str(error.__cause__), 200) if error.__cause__ else msg("no answer"),
            **named,
        )
    return msg("Jump host {name}: {reason}", name=jump.name, reason=error)


def _through(line: BoardTransport, jump: Jump) -> Connect:
    def connect(host: str, port: int, timeout: float) -> Any:
        networks.check_number(host)
        try:
            channel = line.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=timeout)
        except paramiko.SSHException as error:
            prohibited = isinstance(error, paramiko.ChannelException) and error.code == 1
            raise (_prohibited if prohibited else _no_way)(jump, host, port, error) from error
        channel.settimeout(timeout)
        return channel

    return connect


def _prohibited(jump: Jump, host: str, port: int, error: Exception) -> BoardError:
    return JumpFailed(
        msg(
            "The jump host {name} does not forward connections to {host}:{port}: allow that in its SSH "
            "server (AllowTcpForwarding, PermitOpen), or choose another jump host.",
            name=jump.name,
            host=host,
            port=port,
        )
    )


def _no_way(jump: Jump, host: str, port: int, error: Exception) -> BoardError:
    return Unreachable(
        msg(
            "The jump host {name} cannot reach {host}:{port} ({error}): check that the board is powered, "
            "its address as seen from there, and the port.",
            name=jump.name,
            host=host,
            port=port,
            error=clean_sentence(str(error)),
        )
    )


def fetch_host_key(host: str, port: int = 22, timeout: float = 10.0, jump: Jump | None = None) -> HostKey:
    """Read the key that a board shows, before any password is sent, to display and pin it at registration.

    Returns within three times ``timeout``, whatever the server and DNS do; eight times through a jump host.
    Raises Unreachable, ConnectionLost, JumpFailed.
    """
    seconds = (3 if jump is None else 8) * timeout
    opened: list[BoardTransport] = []

    def fetch() -> HostKey:
        transport = open_board(host, port, timeout, jump=jump, hold=opened.append)
        return HostKey.of(transport.get_remote_server_key())

    try:
        return call_within(fetch, seconds)
    except Overdue as error:
        raise SilentBoard(
            msg(
                "The board at {host}:{port} showed no host key within {seconds} seconds: it may "
                "be busy; try again, then restart it.",
                host=host,
                port=port,
                seconds=f"{seconds:g}",
            )
        ) from error
    finally:
        for transport in reversed(opened):
            transport.close()
