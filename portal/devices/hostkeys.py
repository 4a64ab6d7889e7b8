"""SSH host keys: reading a board's key before any login, and comparing it with the pinned one."""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paramiko

from portal.core.echoes import shortened
from portal.core.untrusted import clean_sentence
from portal.devices import networks
from portal.devices.errors import BoardError, HostKeyChanged, Unreachable
from portal.devices.ssh import BoardTransport
from workers.contract.messages import msg

# It logs a traceback for every failure that is reported as a sentence anyway.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class HostKey:
    """A server's public key in the form that people compare: ``ssh-ed25519 SHA256:…`` (as OpenSSH prints
    it).
    """

    kind: str
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.kind} {self.fingerprint}"

    @classmethod
    def parse(cls, text: str) -> HostKey:
        """Parse the output of ``str()``; a fingerprint alone is accepted too. ValueError otherwise."""
        kind, _, fingerprint = text.strip().rpartition(" ")
        if not fingerprint.startswith("SHA256:"):
            text = shortened(text)
            raise ValueError(f"{text!r} is not a host key: it must look like 'ssh-ed25519 SHA256:…'.")
        return cls(kind, fingerprint)

    @classmethod
    def of(cls, key: paramiko.PKey) -> HostKey:
        digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
        return cls(key.get_name(), f"SHA256:{digest}")

    def matches(self, other: HostKey) -> bool:
        return self.fingerprint == other.fingerprint


def algorithms_for(kind: str) -> tuple[str, ...]:
    """The signature algorithms that make a server show its key of this kind (RFC 8332 for RSA)."""
    if kind == "ssh-rsa":
        return ("rsa-sha2-512", "rsa-sha2-256")
    return (kind,)


Connect = Callable[[str, int, float], Any]  # host, port, seconds: a socket, or what serves as one


def open_transport(
    host: str, port: int, timeout: float, prefer: HostKey | None = None, connect: Connect | None = None
) -> BoardTransport:
    """Connect and exchange keys, without logging in. ``connect`` reaches the host in another way.

    With ``prefer``, the server is asked only for its key of that kind, so that a server with several keys is
    compared on the right one; if it no longer has one, it is asked for any. Raises Unreachable.
    """
    wanted = algorithms_for(prefer.kind) if prefer and prefer.kind else ()
    try:
        return _negotiate(host, port, timeout, wanted, connect or _connect)
    except paramiko.IncompatiblePeer as error:
        if not wanted:
            raise Unreachable(
                msg(
                    "The SSH server at {host}:{port} is too old to agree on a cipher or host key "
                    "({error}): update the SSH server on the board.",
                    host=host,
                    port=port,
                    error=clean_sentence(str(error)),
                ),
                momentary=False,
            ) from error
    return open_transport(host, port, timeout, connect=connect)


def _negotiate(
    host: str, port: int, timeout: float, algorithms: tuple[str, ...], connect: Connect
) -> BoardTransport:
    transport = BoardTransport(connect(host, port, timeout), timeout)
    try:
        options = transport.get_security_options()
        options.key_types = [name for name in options.key_types if name in algorithms] or options.key_types
        transport.start_client(timeout=timeout)
        # When time is up, start_client returns without an error; only this check detects it.
        if not transport.initial_kex_done:
            raise TimeoutError(msg("no answer in time"))
    except paramiko.IncompatiblePeer:
        transport.close()
        raise
    except Exception as error:  # paramiko lets through any exception about malformed input
        transport.close()
        raise Unreachable(
            msg(
                "Something answers at {host}:{port} but it does not speak SSH ({answer}): check "
                "the port, and that the board has finished starting.",
                host=host,
                port=port,
                answer=clean_sentence(str(error)) or msg("no answer"),
            )
        ) from error
    return transport


def _connect(host: str, port: int, timeout: float) -> socket.socket:
    where = f"{host}:{port}"
    try:
        sock = networks.open_socket(host, port, timeout)
    except (socket.gaierror, UnicodeError) as error:
        raise Unreachable(
            msg(
                "The name {host} is not known on this network: check the board's address, or use "
                "its IP number.",
                host=host,
            ),
            momentary=getattr(error, "errno", None) == socket.EAI_AGAIN,
        ) from error
    except TimeoutError as error:
        raise Unreachable(
            msg(
                "The board at {where} did not answer within {seconds} seconds: check that it is "
                "powered, its cable or Wi-Fi, and its address.",
                where=where,
                seconds=f"{timeout:g}",
            )
        ) from error
    except ConnectionRefusedError as error:
        raise Unreachable(
            msg(
                "The board at {where} refused the connection: check the port, and that the board "
                "has finished starting and runs an SSH server.",
                where=where,
            )
        ) from error
    except (OSError, OverflowError) as error:
        raise Unreachable(
            msg(
                "There is no way to {where} from here ({error}): check the address and this "
                "server's network.",
                where=where,
                error=getattr(error, "strerror", None) or error,
            ),
            momentary=isinstance(error, OSError),
        ) from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def check_host_key(transport: paramiko.Transport, address: str, pinned: HostKey) -> None:
    """Raise HostKeyChanged unless the server's key is the pinned one."""
    found = HostKey.of(transport.get_remote_server_key())
    if not pinned.matches(found):
        raise HostKeyChanged(address, str(pinned), str(found))


def load_private_key(text: str, passphrase: str | None = None) -> paramiko.PKey:
    """Read a private key in OpenSSH or PEM form. Raises BoardError with what to do."""
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text), passphrase)
        except paramiko.PasswordRequiredException as error:
            raise BoardError(
                msg("This private key is protected: give its passphrase too, or use a key without one.")
            ) from error
        except (paramiko.SSHException, ValueError, IndexError):
            continue
    raise BoardError(
        msg(
            "This is not a private key that can be read, or its passphrase is wrong: paste an Ed25519, ECDSA "
            "or RSA key in OpenSSH form, from '-----BEGIN' to '-----END'."
        )
    )
