"""Validates the target of a webhook, and sends the one request to it.

The host name is resolved once, each of its addresses is checked, and the connection goes to the address that
was checked: DNS rebinding has no effect. Redirects are not followed.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from workers.contract.messages import msg

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
LOOKUP_SECONDS = 5.0
LOOKUPS = 8  # at once, in one process
ANSWER_BYTES = 2000
_lookups = threading.BoundedSemaphore(LOOKUPS)
DENIED = [
    ipaddress.ip_network(text)
    for text in (
        # This host, private use, carrier-grade NAT, loopback, link-local, documentation, benchmarks,
        # multicast, reserved: the IANA registries of special-purpose addresses.
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        # Within global unicast: Teredo and other protocols, documentation, 6to4.
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
]  # fmt: skip
# The only part of IPv6 that is assigned to public hosts. Outside it lie loopback, link-local, site-local,
# private use, multicast and most forms that wrap an IPv4 address: compatible, mapped, translated, NAT64.
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# ISATAP (RFC 5214): the last four bytes are the IPv4 address of a host behind the tunnel.
ISATAP = (0x00005EFE, 0x02005EFE)


class BadTarget(Exception):
    """The URL cannot be used; the message is a sentence for the person who entered it."""


class NoAnswer(Exception):
    """No usable response; the message says why."""


@dataclass(frozen=True)
class Target:
    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True)
class Answer:
    status: int
    milliseconds: int
    text: str


def parse(url: str) -> Target:
    """Parse a URL. Raises BadTarget."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadTarget(msg("This is not an address: write it as https://example.org/hook.")) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadTarget(msg("The address must begin with https:// or http:// and name a host."))
    if parts.username is not None or parts.password is not None:
        raise BadTarget(
            msg("Leave the user name and password out of the address: the signature identifies the caller.")
        )
    if not url.isascii() or any(letter <= " " or letter == "\x7f" for letter in url):
        raise BadTarget(msg("The address may hold only ASCII letters and no spaces: encode the others."))
    if port == 0:
        raise BadTarget(msg("The address names port 0: leave it out or name another."))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), path)


def is_allowed(address: str) -> bool:
    """Whether webhooks may reach this IP address: public, or in WEBHOOK_ALLOWED_NETWORKS."""
    found = ipaddress.ip_address(address.split("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    if any(found in network for network in settings.WEBHOOK_ALLOWED_NETWORKS):
        return True
    return _is_public(found)


def _is_public(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if any(found in network for network in DENIED):
        return False
    if found.version == 4:
        return True
    if (int(found) >> 32) & 0xFFFFFFFF in ISATAP:
        return _is_public(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
    return found in GLOBAL_UNICAST


def resolve(target: Target) -> list[str]:
    """The addresses of the target's host, all of them allowed. Raises BadTarget."""
    try:
        rows = _look_up(target)
    except (OSError, UnicodeError):
        raise BadTarget(
            msg("The host {host} cannot be found: check the address and the name server.", host=target.host)
        ) from None
    found = list(dict.fromkeys(row[4][0] for row in rows))
    for address in found:
        if not is_allowed(address):
            raise BadTarget(
                msg(
                    "The host {host} has the address {address}, which is not a public one: webhooks "
                    "reach no private addresses unless the server's administrator names their "
                    "network in WEBHOOK_ALLOWED_NETWORKS.",
                    host=target.host,
                    address=address,
                )
            )
    return found


def _look_up(target: Target) -> list[tuple]:
    """getaddrinfo with a deadline. Raises OSError after LOOKUP_SECONDS.

    The number of lookup threads is bounded; while all of them wait for a name server, no lookup starts.
    """
    found: list[list[tuple] | Exception] = []

    def look() -> None:
        try:
            found.append(socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)
        finally:
            _lookups.release()

    if not _lookups.acquire(timeout=LOOKUP_SECONDS):
        raise TimeoutError
    thread = threading.Thread(target=look, daemon=True, name="look-up")
    thread.start()
    thread.join(LOOKUP_SECONDS)
    if not found:
        raise TimeoutError
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


def check(url: str) -> None:
    """Raise BadTarget for a URL that could not be called now."""
    resolve(parse(url))


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """Send ``body``. Raises BadTarget or NoAnswer; a response of any status is an Answer."""
    target = parse(url)
    addresses = resolve(target)
    start = time.monotonic()
    connection = _Pinned(target, addresses)
    # A socket's timeout counts from byte to byte: a server that sends a byte now and then would occupy a
    # worker.
    watch = threading.Timer(TOTAL_SECONDS, connection.cut)
    watch.daemon = True
    watch.start()
    try:
        connection.request("POST", target.path, body, headers)
        response = connection.getresponse()
        text = response.read(ANSWER_BYTES)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer(_words(error, connection.was_cut)) from error
    finally:
        watch.cancel()
        connection.close()
    spent = round((time.monotonic() - start) * 1000)
    return Answer(response.status, spent, text.decode(errors="replace"))


def _words(error: Exception, was_cut: bool) -> str:
    if was_cut or isinstance(error, TimeoutError):
        return msg("No complete response arrived within {seconds} seconds.", seconds=f"{TOTAL_SECONDS:g}")
    if isinstance(error, ssl.SSLCertVerificationError):
        return msg("Its certificate is not trusted: {error}.", error=error.verify_message)
    if isinstance(error, ConnectionRefusedError):
        return msg("The connection was refused.")
    return msg("The connection broke: {error}.", error=str(error)[:200])


class _Pinned(http.client.HTTPConnection):
    """A connection to checked addresses. The host name is kept for the Host header and the certificate."""

    def __init__(self, target: Target, addresses: list[str]):
        super().__init__(target.host, target.port, timeout=CONNECT_SECONDS)
        if target.scheme == "https":
            self.default_port = 443
        self.target, self.addresses, self.was_cut = target, addresses, False
        self._line: socket.socket | None = None  # the same connection, under TLS as well

    def connect(self) -> None:
        self.sock = self._reach()
        self._line = self.sock.dup()
        self.sock.settimeout(TOTAL_SECONDS)
        if self.target.scheme == "https":
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)

    def _reach(self) -> socket.socket:
        for number, address in enumerate(self.addresses, 1):
            self._refuse_if_cut()
            try:
                return socket.create_connection((address, self.port), self.timeout)
            except OSError:
                if number == len(self.addresses):
                    raise
        raise TimeoutError

    def _refuse_if_cut(self) -> None:
        if self.was_cut:
            raise TimeoutError

    def cut(self) -> None:
        """Close it from another thread, whatever it waits for: connection, handshake or response."""
        self.was_cut = True
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        super().close()
        if self._line is not None:
            self._line.close()
