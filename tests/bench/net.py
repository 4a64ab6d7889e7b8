"""Hostile ends of connections: a silent port, a server that collects passwords, a proxy that stops."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class Listener:
    """Takes connections in threads until it is closed; ``port`` is where."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._server.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info) -> None:
        self._closed = True
        _end(self._server)
        for sock in list(self._open):
            _end(sock)

    def _accept(self) -> None:
        while not self._closed:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            self._open.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(Exception):
            self.serve(sock)

    def serve(self, sock: socket.socket) -> None:
        """What is done with a connection."""


class BlackHole(Listener):
    """Takes connections and says nothing; ``taken`` counts them."""

    def __init__(self) -> None:
        self.taken = 0
        super().__init__()

    def serve(self, sock: socket.socket) -> None:
        self.taken += 1
        while sock.recv(65536):
            pass


class Proxy(Listener):
    """Passes bytes on to a port; ``freeze`` stops them, ``cut`` ends what is open.

    With ``refuse``, new connections are closed at once.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.refuse = False
        self._flowing = threading.Event()
        self._flowing.set()
        self._next_freezes = False
        super().__init__()

    def freeze_next(self) -> None:
        """Take one more connection and never say anything there; the others go on."""
        self._next_freezes = True

    def freeze(self) -> None:
        self._flowing.clear()

    def thaw(self) -> None:
        self._flowing.set()

    def cut(self) -> None:
        for sock in list(self._open):
            _end(sock)
        self._open.clear()

    def serve(self, sock: socket.socket) -> None:
        if self.refuse:
            _end(sock)
            return
        if self._next_freezes:
            self._next_freezes = False
            while sock.recv(65536):
                pass
            return
        board = socket.create_connection(("127.0.0.1", self.target), 10)
        board.settimeout(None)
        self._open.add(board)
        threading.Thread(target=self._pass_on, args=(board, sock), daemon=True).start()
        self._pass_on(sock, board)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flowing.wait(600)
                target.sendall(data)
        for sock in (source, target):
            _end(sock)
            self._open.discard(sock)


class Trap(Listener):
    """An SSH server that lets nobody in and remembers every password in ``heard``."""

    def __init__(self) -> None:
        import paramiko

        self.key = paramiko.RSAKey.generate(2048)
        self.heard: list[str] = []
        super().__init__()

    def serve(self, sock: socket.socket) -> None:
        import paramiko

        heard = self.heard

        class Server(paramiko.ServerInterface):
            def get_allowed_auths(self, username):
                return "password,keyboard-interactive"

            def check_auth_password(self, username, password):
                heard.append(password)
                return paramiko.AUTH_FAILED

            def check_auth_interactive(self, username, submethods):
                return paramiko.InteractiveQuery("", "", ("Password: ", False))

            def check_auth_interactive_response(self, responses):
                heard.extend(responses)
                return paramiko.AUTH_FAILED

        transport = paramiko.Transport(sock)
        transport.add_server_key(self.key)
        transport.start_server(server=Server())
        transport.join(30)


def _end(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        sock.close()


@contextlib.contextmanager
def many(count: int, make=BlackHole) -> Iterator[list]:
    """So many listeners at once."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(make()) for _ in range(count)]
