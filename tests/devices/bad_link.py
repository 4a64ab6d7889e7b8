"""A bad link to a board: a TCP proxy that is slow, stalls, and breaks.

``tc netem`` needs a kernel module that many machines lack. To SSH a link that loses packets is one on which
bytes come late, in gaps, or whose connection ends: TCP sends again what was lost. That is what this does.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time

PIECE = 512
RESET_AT_ONCE = struct.pack("ii", 1, 0)


class BadLink:
    """``port`` leads to ``target``; ``rate`` is in bytes a second, each way.

    After each ``stall_every`` bytes nothing passes for ``stall`` seconds. ``cut_after``, once set, is the
    number of bytes towards the board after which all connections are reset.
    """

    def __init__(self, target: int, rate: float = 1e9, stall_every: int = 1 << 60, stall: float = 0.0):
        self._target, self._rate, self._stall_every, self._stall = target, rate, stall_every, stall
        self.cut_after: int | None = None
        self.passed = 0  # bytes towards the board
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> BadLink:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Reset every connection."""
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
                end.shutdown(socket.SHUT_RDWR)
                end.close()
        self._open.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                ours, _ = self._listener.accept()
                theirs = socket.create_connection(("127.0.0.1", self._target))
                self._open |= {ours, theirs}
                for ends in ((ours, theirs, True), (theirs, ours, False)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, up: bool) -> None:
        left = self._stall_every
        with contextlib.suppress(OSError):
            while data := source.recv(PIECE):
                time.sleep(len(data) / self._rate)
                left -= len(data)
                if left <= 0:
                    time.sleep(self._stall)
                    left = self._stall_every
                target.sendall(data)
                if up:
                    self._count(len(data))
            target.shutdown(socket.SHUT_WR)

    def _count(self, count: int) -> None:
        self.passed += count
        if self.cut_after is not None and self.passed >= self.cut_after:
            self.cut_after = None
            self.cut()
