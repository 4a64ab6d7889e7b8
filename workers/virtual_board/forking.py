"""Engines that start at once: forks of a process in which the engine's libraries are loaded already.

A real board's library loads within milliseconds; Python, numpy and ONNX Runtime take a third of a second.
Each board forks its own maker before its server starts, and each engine is a process of its own.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import tempfile
from pathlib import Path

from workers.contract.ties import tied

ANSWER_SECONDS = 30.0
MOST_BYTES = 65536


class ForkedEngine:
    """A started engine, with what ``hub`` asks of a process."""

    def __init__(self, pid: int):
        self.pid = pid
        try:
            self._handle = os.pidfd_open(pid)
        except ProcessLookupError:
            self._handle = -1

    def __del__(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)

    @property
    def returncode(self) -> int | None:
        """None while it runs; its status is known to the maker only."""
        ended = self._handle < 0 or select.select([self._handle], [], [], 0)[0]
        return 1 if ended else None


class EngineMaker:
    """The board's side of its maker. Make it before any thread or event loop starts."""

    def __init__(self, kind: str):
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.settimeout(ANSWER_SECONDS)
        tie = tied()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                tie()
                self._line.close()
                _make(kind, theirs)
            finally:
                os._exit(0)
        theirs.close()

    def start(self, release: Path, path: Path, temporary: Path, log: Path) -> ForkedEngine:
        """An engine for a release, at a socket. Raises OSError."""
        self._line.send(json.dumps([str(release), str(path), str(temporary), str(log)]).encode())
        answer = self._line.recv(MOST_BYTES)
        if not answer:
            raise ConnectionResetError("the maker of engines is gone")
        return ForkedEngine(int(answer))


def _make(kind: str, line: socket.socket) -> None:
    """Fork an engine for each order, until the board is gone."""
    signal.signal(signal.SIGCHLD, lambda _number, _frame: _reap())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the board ends it
    while order := line.recv(MOST_BYTES):
        tie = tied()
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            tie()
            os.setsid()
            line.close()
            _be_engine(kind, *json.loads(order))
        line.send(str(pid).encode())


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _be_engine(kind: str, release: str, path: str, temporary: str, log: str) -> None:
    """Serve as ``engine.main`` does; never returns."""
    from workers.virtual_board import engine

    with open(log, "ab") as stream:
        for number in (1, 2):
            os.dup2(stream.fileno(), number)
    os.environ["TMPDIR"], tempfile.tempdir = temporary, None
    engine.main([release, kind, path])
