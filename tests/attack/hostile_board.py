"""A board that does what no board should, for tests and for anybody who wants to attack a portal of theirs.

    python -m tests.attack.hostile_board --port 0 --mode freeze-exec --password secret [--at TEXT]

It listens on 127.0.0.1 only, prints one line of JSON with its port and host key, and then obeys lines on its
standard input: ``MODE``, ``MODE TEXT``, ``leave``, ``come_back`` or ``clean``, each answered by ``ok``. With
a TEXT the mode begins at a command that contains it (``=TEXT``: and is about such commands only). Until then,
and in the mode ``good``, it behaves like a board with a small model: it runs the few commands that Slipway
sends, in a temporary folder, and answers with label 0.
``--list`` prints the modes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

import paramiko

from tests.attack.hostile_commands import ANSWERS, Commands
from tests.attack.hostile_files import FILE_MODES, Files

# What it does wrong before anybody has signed in, while somebody does, and afterwards.
WIRE = (
    "silent",
    "drop-connect",
    "tarpit-greeting",
    "endless-greeting",
    "huge-packet",
    "tarpit-kex",
    "changed-key",
)
LOGIN = (
    "freeze-auth",
    "tarpit-auth",
    "drop-auth",
    "endless-banner",
    "interactive-only",
    "interactive-beside",
    "interactive-endless",
    "interactive-prompts",
)
COMMAND = (
    "freeze-open",
    "freeze-exec",
    "silent-exec",
    "no-window",
    "stop-reading",
    "endless-stdout",
    "endless-stderr",
    "endless-both",
    "endless-line",
    "flood",
    "chatter",
    "no-status",
    "drop-exec",
    "giant-answer",
)
MODES = ("good", *WIRE, *LOGIN, *COMMAND, *FILE_MODES, *ANSWERS)
PIECE = b"x" * 76 + b"\n"
GIANT_BYTES = 40 * 1024 * 1024
FOREVER = 3600.0


class Wire:
    """A socket that may send one byte a second, or stop reading, as it is told."""

    def __init__(self, sock: socket.socket):
        self._sock = sock
        self.slow = self.deaf = False

    def send(self, data: bytes) -> int:
        if not self.slow:
            return self._sock.send(data)
        time.sleep(1.0)
        return self._sock.send(data[:1])

    def recv(self, count: int) -> bytes:
        if self.deaf:
            time.sleep(0.1)
            raise TimeoutError
        return self._sock.recv(count)

    def __getattr__(self, name: str):
        return getattr(self._sock, name)


class Login(paramiko.ServerInterface):
    """One connection: who may come in, and what becomes of the channels."""

    def __init__(self, board: HostileBoard, transport: paramiko.Transport, wire: Wire):
        self._board, self._transport, self._wire = board, transport, wire
        self.commands: dict[int, str] = {}

    def get_allowed_auths(self, username: str) -> str:
        mode = self._board.mode
        if mode == "interactive-beside":
            return "password,keyboard-interactive"
        return "keyboard-interactive" if mode.startswith("interactive") else "password"

    def check_auth_password(self, username: str, password: str) -> int:
        mode = self._board.mode
        if mode == "freeze-auth":
            self._board.sleep()
        if mode == "drop-auth":
            self._transport.close()
        if mode == "tarpit-auth":
            self._wire.slow = True
        if mode == "endless-banner":
            self._send_banners()
        if mode.startswith("interactive") or password != self._board.password:
            return paramiko.AUTH_FAILED
        return paramiko.AUTH_SUCCESSFUL

    def _send_banners(self) -> None:
        while self._transport.is_active() and not self._board.stopped.is_set():
            banner = paramiko.Message()
            banner.add_byte(paramiko.common.cMSG_USERAUTH_BANNER)
            banner.add_string(b"Welcome! " * 3000)
            banner.add_string("")
            self._transport._send_message(banner)

    def check_auth_interactive(self, username: str, submethods: str) -> int | paramiko.InteractiveQuery:
        if self._board.mode == "interactive-prompts":
            question = paramiko.Message()
            question.add_byte(paramiko.common.cMSG_USERAUTH_INFO_REQUEST)
            for text in ("", "", ""):
                question.add_string(text)
            question.add_int(0xFFFFFFFF)
            self._transport._send_message(question)
            self._board.sleep()
        return paramiko.InteractiveQuery("", "", ("Password: ", False))

    def check_auth_interactive_response(self, responses: list[str]) -> int | paramiko.InteractiveQuery:
        if self._board.mode == "interactive-endless":
            return paramiko.InteractiveQuery("", "", ("Password: ", False))
        right = responses == [self._board.password]
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        if self._board.misdoes("freeze-open"):
            self._board.sleep()
        self._transport.default_window_size = 0 if self._board.misdoes("no-window") else 2097152
        return paramiko.OPEN_SUCCEEDED

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        mode = self._board.mode
        if mode == "no-sftp":
            return False
        if mode == "silent-sftp":
            return True
        if mode == "garbage-sftp":
            threading.Thread(target=channel.sendall, args=(b"\0\1\0\0" + b"?" * 70000,), daemon=True).start()
            return True
        return super().check_channel_subsystem_request(channel, name)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        line = command.decode("utf-8", "replace")
        self._board.heard(line)
        if self._board.misdoes("freeze-exec", line):
            self._board.sleep()
        if self._board.misdoes("drop-exec", line):
            self._transport.close()
        if self._board.misdoes("stop-reading", line):
            self._wire.deaf = True
        threading.Thread(target=self._serve, args=(channel, line), daemon=True).start()
        return True

    def _serve(self, channel: paramiko.Channel, line: str) -> None:
        board = self._board
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            if any(board.misdoes(mode, line) for mode in ("silent-exec", "no-window", "stop-reading")):
                return
            if board.misdoes(board.mode, line) and self._misbehave(channel, board.mode):
                return
            status = board.commands.run(channel, line, board.mode if board.misdoes(board.mode, line) else "")
            if board.misdoes("no-status", line):
                channel.shutdown_write()
                return
            channel.send_exit_status(status)
            channel.close()

    def _misbehave(self, channel: paramiko.Channel, mode: str) -> bool:
        """Print without end, or much; False where the mode is about something else."""
        sinks = {
            "endless-stdout": (channel.sendall, PIECE * 400),
            "endless-line": (channel.sendall, b"x" * 30000),
            "endless-stderr": (channel.sendall_stderr, PIECE * 400),
            "flood": (lambda data: self._flood(channel, data), PIECE * 400),
            "chatter": (lambda data: self._transport.send_ignore(), b""),
        }
        if mode == "giant-answer":
            for _piece in range(GIANT_BYTES // len(PIECE * 400)):
                channel.sendall(PIECE * 400)
            channel.send_exit_status(0)
            channel.close()
            return True
        if mode == "endless-both":
            threading.Thread(target=_repeat, args=sinks["endless-stderr"], daemon=True).start()
            mode = "endless-stdout"
        if mode not in sinks:
            return False
        _repeat(*sinks[mode])
        return True

    def _flood(self, channel: paramiko.Channel, data: bytes) -> None:
        """Send without regard for the window that the other side granted."""
        message = paramiko.Message()
        message.add_byte(paramiko.common.cMSG_CHANNEL_DATA)
        message.add_int(channel.remote_chanid)
        message.add_string(data)
        if not self._transport.is_active():
            raise EOFError
        self._transport._send_user_message(message)


def _repeat(send, data: bytes) -> None:
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        while True:
            send(data)


class HostileBoard:
    """The listening socket, and what is done wrong at the moment."""

    def __init__(self, password: str, mode: str = "good", at: str = "", port: int = 0):
        self.password = password
        self.stopped = threading.Event()
        self._folder = tempfile.TemporaryDirectory(prefix="hostile-board-")
        self.home = Path(self._folder.name)
        self.commands = Commands(self.home)
        self._keys = [paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()]
        self._transports: list[paramiko.Transport] = []
        self._listen(port)
        self.order(mode, at)

    @property
    def host_key(self) -> paramiko.PKey:
        return self._keys[0]

    def order(self, mode: str, at: str = "") -> None:
        if mode not in MODES:
            raise ValueError(f"There is no mode {mode}: choose one of {', '.join(MODES)}.")
        self.mode, self.at = mode, at
        self._begun = not at

    def heard(self, line: str) -> None:
        """A command has come; from the one on that ``at`` is part of, the mode is in force."""
        self._begun = self._begun or self.at in line

    def misdoes(self, mode: str, line: str = "") -> bool:
        here = self.at[1:] in line if self.at.startswith("=") else self._begun
        return self.mode == mode != "good" and here

    def sleep(self) -> None:
        self.stopped.wait(FOREVER)

    def leave(self) -> None:
        """Drop everybody and refuse connections, as a board that starts anew."""
        self._socket.close()
        self._accepting.join()  # until then the port is still open
        self._drop()

    def come_back(self) -> None:
        if not self._accepting.is_alive():
            self._listen(self.port)

    def clean(self) -> None:
        """Be there, forget all files, and drop who is still connected."""
        self.come_back()
        self._drop()
        for path in self.home.iterdir():
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()

    def stop(self) -> None:
        self.stopped.set()
        self._socket.close()
        self._drop()
        self._folder.cleanup()

    def _drop(self) -> None:
        for transport in self._transports:
            transport.close()
        self._transports.clear()

    def _listen(self, port: int) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Little room, so that a board that stops reading is felt at once.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        self._socket.bind(("127.0.0.1", port))
        self._socket.listen(50)
        self.port = self._socket.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, args=(self._socket,), daemon=True)
        self._accepting.start()

    def _accept(self, listener: socket.socket) -> None:
        # Polled: closing a socket does not wake a thread that waits in it.
        listener.settimeout(0.1)
        while listener.fileno() >= 0:
            with contextlib.suppress(OSError):
                sock, _address = listener.accept()
                threading.Thread(target=self._meet, args=(sock,), daemon=True).start()

    def _meet(self, sock: socket.socket) -> None:
        sock.settimeout(None)
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            if self.mode in ("silent", "drop-connect", "tarpit-greeting", "endless-greeting", "huge-packet"):
                self._greet_wrongly(sock)
                return
            wire = Wire(sock)
            transport = paramiko.Transport(wire)
            transport.add_server_key(self._keys[self.mode == "changed-key"])
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files, self)
            self._transports.append(transport)
            if self.mode == "tarpit-kex":
                sock.sendall(b"SSH-2.0-tarpit\r\n")
                transport.local_version = "SSH-2.0-tarpit"
                wire.slow = True
            transport.start_server(server=Login(self, transport, wire))

    def _greet_wrongly(self, sock: socket.socket) -> None:
        with sock:
            if self.mode == "silent":
                self.sleep()
            if self.mode == "huge-packet":
                sock.sendall(b"SSH-2.0-huge\r\n" + (2**30 + 4).to_bytes(4, "big") + b"\x04\x14")
                _repeat(sock.sendall, b"x" * 65536)
            if self.mode == "endless-greeting":
                _repeat(sock.sendall, b"x" * 65536)
            while self.mode == "tarpit-greeting" and not self.stopped.wait(1.0):
                sock.sendall(b"S")


def main() -> None:
    parser = argparse.ArgumentParser(description="A board that misbehaves, on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--mode", choices=MODES, default="good")
    parser.add_argument("--at", default="", help="the mode begins at a command that contains this text")
    parser.add_argument("--password", default="secret")
    parser.add_argument("--list", action="store_true", help="print the modes and end")
    options = parser.parse_args()
    if options.list:
        print("\n".join(MODES))
        return
    from portal.devices.hostkeys import HostKey

    board = HostileBoard(options.password, options.mode, options.at, options.port)
    print(json.dumps({"port": board.port, "host_key": str(HostKey.of(board.host_key))}), flush=True)
    try:
        for line in sys.stdin:
            obey(board, line)
        threading.Event().wait()  # started without a terminal: until it is killed
    except KeyboardInterrupt:
        pass
    finally:
        board.stop()


def obey(board: HostileBoard, line: str) -> None:
    mode, _, rest = line.strip().partition(" ")
    try:
        if mode in ("leave", "come_back", "clean"):
            getattr(board, mode)()
        else:
            board.order(mode, rest)
    except ValueError as error:
        print(error, flush=True)
    else:
        print("ok", flush=True)


if __name__ == "__main__":
    main()
