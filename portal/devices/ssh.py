"""paramiko with bounds: no hostile or broken SSH server can grow a buffer or spin a loop.

paramiko trusts the server with the length of a packet (up to 4 GB), of the version line and of the lists in a
packet, and to respect the granted window. Each of these is checked here. ``waiting`` and the callers set the
deadlines.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import paramiko
from paramiko import common
from paramiko.auth_handler import AuthHandler
from paramiko.packet import Packetizer

from workers.contract.messages import msg

# RFC 4253 requires 35,000; no server that we talk to has a reason to send more than a few times that.
MAX_PACKET_BYTES = 256 * 1024
# RFC 4253 allows lines before the version line, of 255 characters each; paramiko reads at most 100 lines.
MAX_GREETING_BYTES = 32 * 1024
MAX_BANNER_BYTES = 4096
# What a channel may hold unread: the granted window, and packets in transit.
MAX_UNREAD_BYTES = common.DEFAULT_WINDOW_SIZE + 2 * MAX_PACKET_BYTES
MAX_EXTENSIONS = 100
MAX_PROMPTS = 10
# If the server accepts no byte for this long, it has stopped reading, and will not read a farewell either.
STALLED_SECONDS = 30.0
# Messages that request nothing, or nothing that we grant: keep-alives, banners, padding. One a second for
# hours stays well below it; without a limit, a server keeps a processor busy for as long as a command may
# take.
MAX_CHATTER = 20_000
# Of any kind; a gigabyte sent in pieces of 32 kB needs a tenth of it.
MAX_PACKETS = 1_000_000
CHATTER = {
    common.MSG_IGNORE,
    common.MSG_DEBUG,
    common.MSG_UNIMPLEMENTED,
    common.MSG_GLOBAL_REQUEST,
    common.MSG_USERAUTH_BANNER,
    common.MSG_CHANNEL_OPEN,
    common.MSG_EXT_INFO,
}
MAX_SFTP_PACKET_BYTES = 256 * 1024


class TooMuch(paramiko.SSHException):
    """The server sent more than the protocol, or the granted window, allows."""


class BoundedPacketizer(Packetizer):
    """Reads no packet and no greeting longer than needed, and gives up on a server that stops reading."""

    def __init__(self, socket: Any):
        super().__init__(socket)
        self._socket = socket
        self._greeted = 0
        self._packets = self._chatter = 0
        self._greeting_ends: float | None = None

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        if n > MAX_PACKET_BYTES or n < 0:
            raise TooMuch(msg("it announces a packet that is too long"))
        return super().read_all(n, check_rekey)

    def read_message(self) -> tuple[int, paramiko.Message]:
        kind, message = super().read_message()
        self._packets += 1
        self._chatter += kind in CHATTER
        if self._chatter > MAX_CHATTER or self._packets > MAX_PACKETS:
            raise TooMuch(msg("it does not stop sending what nobody asked for"))
        return kind, message

    def readline(self, timeout: float) -> str:
        """One line of the greeting. ``timeout`` seconds apply to all lines together."""
        if self._greeting_ends is None:
            self._greeting_ends = time.monotonic() + timeout
        return super().readline(timeout)

    def _read_timeout(self, timeout: float) -> bytes:
        # Called by readline for each piece; otherwise one byte a second would never time out.
        left = (self._greeting_ends or 0.0) - time.monotonic()
        try:
            piece = super()._read_timeout(max(0.0, min(timeout, left)))
        except TimeoutError as error:
            raise TimeoutError(": not in time") from error
        self._greeted += len(piece)
        if self._greeted > MAX_GREETING_BYTES:
            raise TooMuch(": it does not end")
        return piece

    def write_all(self, out: bytes) -> None:
        """Write all of it; give the connection up if nothing is accepted for STALLED_SECONDS."""
        rest = memoryview(out)
        since = time.monotonic()
        while rest:
            try:
                sent = self._socket.send(rest)
            except TimeoutError:
                sent = 0
            except Exception as error:  # as paramiko does: whatever it was, nothing more can be sent
                raise EOFError from error
            if sent:
                rest, since = rest[sent:], time.monotonic()
            elif self.closed or time.monotonic() - since > STALLED_SECONDS:
                self.close()
                raise EOFError


class BoundedAuthHandler(AuthHandler):
    """Signs in; distinguishes a silent server from one that refuses.

    ``offered`` holds the methods that the server listed at its last refusal.
    """

    def __init__(self, transport: paramiko.Transport):
        super().__init__(transport)
        self.offered: list[str] = []

    def wait_for_response(self, event: threading.Event) -> list[str]:
        """Raises TimeoutError, EOFError, or the refusal; returns the remaining methods."""
        deadline = time.monotonic() + self.transport.auth_timeout
        while not event.wait(0.1):
            if not self.transport.is_active():
                break
            if time.monotonic() > deadline:
                raise TimeoutError
        error = self.transport.get_exception()
        if isinstance(error, paramiko.ssh_exception.PartialAuthentication):
            return error.allowed_types
        if error is not None:
            raise error
        if not self.transport.is_active():
            raise EOFError
        if not self.is_authenticated():
            raise paramiko.AuthenticationException("refused")
        return []

    def _request_auth(self) -> None:
        """Request the service once per connection: asyncssh, for one, closes a connection that requests it
        twice.
        """
        if not self.transport.service_accepted:
            super()._request_auth()
            return
        accepted = paramiko.Message()
        accepted.add_string("ssh-userauth")
        accepted.rewind()
        super()._parse_service_accept(accepted)

    def _parse_service_accept(self, m: paramiko.Message) -> None:
        self.transport.service_accepted = True
        super()._parse_service_accept(m)

    def _parse_userauth_failure(self, m: paramiko.Message) -> None:
        self.offered = m.get_list()
        m.rewind()
        super()._parse_userauth_failure(m)

    def _parse_userauth_banner(self, m: paramiko.Message) -> None:
        self.banner = m.get_string()[:MAX_BANNER_BYTES]

    def _parse_userauth_info_request(self, m: paramiko.Message) -> None:
        for _text in range(3):  # title, instructions, language
            m.get_binary()
        if m.get_int() > MAX_PROMPTS:
            raise TooMuch(msg("it asks too many questions at the login"))
        m.rewind()
        super()._parse_userauth_info_request(m)

    @property
    def _client_handler_table(self) -> dict:
        return super()._client_handler_table | {
            common.MSG_SERVICE_ACCEPT: self._parse_service_accept,
            common.MSG_USERAUTH_FAILURE: self._parse_userauth_failure,
            common.MSG_USERAUTH_BANNER: self._parse_userauth_banner,
            common.MSG_USERAUTH_INFO_REQUEST: self._parse_userauth_info_request,
        }


class BoardTransport(paramiko.Transport):
    """A client transport that closes the connection if the server exceeds a bound."""

    def __init__(self, sock: Any, seconds: float):
        """``seconds`` apply to the greeting, to the key exchange and to each login response."""
        self.overstepped: TooMuch | None = None
        self.carrier: BoardTransport | None = None  # the jump host's, closed with it
        self.service_accepted = False
        super().__init__(sock, packetizer_class=BoundedPacketizer)
        self.banner_timeout = self.handshake_timeout = self.auth_timeout = seconds
        self._handler_table = self._handler_table | {common.MSG_EXT_INFO: self._bounded_extensions}
        self._channel_handler_table = self._channel_handler_table | {
            common.MSG_CHANNEL_DATA: _within_window(paramiko.Channel._feed),
            common.MSG_CHANNEL_EXTENDED_DATA: _within_window(paramiko.Channel._feed_extended),
        }

    @property
    def saved_exception(self) -> Exception | None:
        """What ended the connection; paramiko sets it, and clears it when it is read."""
        return self._saved

    @saved_exception.setter
    def saved_exception(self, error: Exception | None) -> None:
        self._saved = error
        if isinstance(error, TooMuch):
            self.overstepped = error

    def close(self) -> None:
        super().close()
        if self.carrier is not None:
            self.carrier.close()

    def sign_in(self, start: Any) -> tuple[BoundedAuthHandler, list[str]]:
        """Make one attempt: ``start(handler, event)`` sends it. Returns the methods that the server still
        requires.

        Raises AuthenticationException (refused), TimeoutError (no response), EOFError, SSHException.
        """
        self.auth_handler = handler = BoundedAuthHandler(self)
        event = threading.Event()
        start(handler, event)
        return handler, handler.wait_for_response(event)

    def _bounded_extensions(self, m: paramiko.Message) -> None:
        if m.get_int() > MAX_EXTENSIONS:
            raise TooMuch(msg("it announces too many extensions"))
        m.rewind()
        self._parse_ext_info(m)


def _within_window(feed: Any) -> Any:
    """Accept data for a channel only within the granted window."""

    def fed(channel: paramiko.Channel, m: paramiko.Message) -> None:
        if len(channel.in_buffer) + len(channel.in_stderr_buffer) > MAX_UNREAD_BYTES:
            raise TooMuch(msg("it sends more than it was asked for"))
        feed(channel, m)

    return fed


class BoundedSFTP(paramiko.SFTPClient):
    """An SFTP session whose server may neither announce a huge packet nor answer other requests forever."""

    answer_seconds = 60.0
    _deadline = float("inf")

    def _send_version(self) -> int:
        self._deadline = time.monotonic() + self.answer_seconds
        return super()._send_version()

    def _read_response(self, waitfor: int | None = None) -> Any:
        self._deadline = time.monotonic() + self.answer_seconds
        return super()._read_response(waitfor)

    def _read_all(self, n: int) -> bytes:
        if n > MAX_SFTP_PACKET_BYTES:
            raise TooMuch(msg("it announces a packet that is too long"))
        out = bytearray()
        while len(out) < n:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.sock.settimeout(left)
            piece = self.sock.recv(n - len(out))
            if not piece:
                raise EOFError
            out += piece
        return bytes(out)

    def _write_all(self, out: bytes) -> None:
        self.sock.settimeout(self.answer_seconds)
        super()._write_all(out)


def open_sftp(transport: BoardTransport, seconds: float = 30.0) -> BoundedSFTP:
    """Open an SFTP session. Raises SSHException or SFTPError if there is no SFTP server."""
    channel = transport.open_session(timeout=seconds)
    channel.invoke_subsystem("sftp")
    return BoundedSFTP(channel)
