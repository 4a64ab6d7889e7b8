"""Connects to a board: one attempt within a deadline, and a few more if the board is away for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from portal.devices.errors import BoardError, ConnectionLost, SilentBoard, Unreachable
from portal.devices.hostkeys import HostKey, check_host_key, load_private_key
from portal.devices.jumping import Jump, open_board
from portal.devices.login import log_in
from portal.devices.ssh import BoardTransport
from portal.devices.waiting import POLL_SECONDS, Overdue, call_within
from workers.contract.messages import msg

# An attempt has at most six steps with a deadline each: the connection and the key exchange, both twice if
# the pinned kind of key is gone, and the login in two ways. A jump host before it has as many.
STEPS = 6
RETRY_SECONDS = 25.0

Connected = TypeVar("Connected")


class _Attempt:
    """One attempt in a helper thread; whoever finishes last, it or its owner, closes the connection."""

    def __init__(self) -> None:
        self._opened: list[BoardTransport] = []
        self._abandoned = False

    def hold(self, transport: BoardTransport) -> None:
        self._opened.append(transport)
        if self._abandoned:
            transport.close()

    def abandon(self) -> None:
        self._abandoned = True
        for transport in reversed(self._opened):
            transport.close()


def open_line(
    host: str,
    port: int,
    user: str,
    pinned: HostKey,
    secrets: tuple[str | None, str | None, str | None],
    timeout: float,
    on_wait: Callable[[], None] | None,
    jump: Jump | None = None,
) -> BoardTransport:
    """Connect, compare the host key, log in; ``secrets`` are password, private key and its passphrase.

    Raises as ``BoardConnection.connect``.
    """
    password, private_key, passphrase = secrets
    key = load_private_key(private_key, passphrase) if private_key else None
    address, attempt = f"{host}:{port}", _Attempt()
    seconds = (STEPS if jump is None else 2 * STEPS) * timeout

    def go() -> BoardTransport:
        transport = open_board(host, port, timeout, prefer=pinned, jump=jump, hold=attempt.hold)
        check_host_key(transport, address, pinned)
        log_in(transport, address, user, password, key)
        return transport

    try:
        return call_within(go, seconds, on_wait)
    except Overdue as error:
        attempt.abandon()
        raise SilentBoard(
            msg(
                "The board at {address} did not let anybody in within {seconds} seconds: it may "
                "be busy; try again, then restart it.",
                address=address,
                seconds=f"{seconds:g}",
            )
        ) from error
    except BaseException:
        attempt.abandon()
        raise


def dial(
    connect: Callable[[], Connected],
    delays: Sequence[float],
    on_wait: Callable[[], None],
    on_retry: Callable[[BoardError, float], None],
) -> Connected:
    """Call ``connect`` again after each of ``delays`` seconds while the board is away for a moment.

    A rebooting board, or a link that drops, is back within seconds; a wrong password or another host key is
    not tried twice. No attempt starts later than RETRY_SECONDS after the first.
    """
    start = time.monotonic()
    for delay in delays:
        try:
            return connect()
        except (Unreachable, ConnectionLost) as error:
            momentary = not isinstance(error, Unreachable) or error.momentary
            if not momentary or time.monotonic() + delay - start > RETRY_SECONDS:
                raise
            on_retry(error, delay)
        _sleep(delay, on_wait)
    return connect()


def _sleep(seconds: float, on_wait: Callable[[], None]) -> None:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        on_wait()
        time.sleep(min(POLL_SECONDS, left))
