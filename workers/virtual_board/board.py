"""The virtual board: an SSH and SFTP server whose commands and files live under one folder.

For demonstrations and tests, bound to the loopback address by default: anyone with its password runs commands
as the user who started it, exactly as on a real board. Folders: ``home/`` (login folder, the root of SFTP),
``bin/``, ``python/``, ``host_key``, ``misbehave.json`` (the orders, read again whenever the file changes),
``state.json`` (its details and the orders in effect).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hmac
import json
import os
import sys
import uuid
from pathlib import Path

import asyncssh

from workers.virtual_board import services
from workers.virtual_board.commands import STANDIN, Command, make_tools
from workers.virtual_board.files import BoardFiles
from workers.virtual_board.forking import EngineMaker
from workers.virtual_board.hub import EngineHub, engine_name
from workers.virtual_board.misbehaviour import BadOrder, Misbehaviour
from workers.virtual_board.shown import show
from workers.virtual_board.standin.virtual_wire import CAMERA_FAULT_VARIABLE, CAMERA_VARIABLE, DEVICE_VARIABLE

WATCH_SECONDS = 0.1
BOOT_ID = "/proc/sys/kernel/random/boot_id"


class VirtualBoard:
    """State of the whole board: connections, running commands, pending failures."""

    def __init__(self, root: Path, user: str, password: str, engine: str, address: str, port: int):
        self.root = root.resolve()
        self.home = self.root / "home"
        self.files = self.root / "files"
        self.boot = str(uuid.uuid4())
        self.user, self.password = user, password
        self.address, self.port = address, port
        self.engine = engine
        self.host_key_file = self.root / "host_key"
        self.authorized_keys: Path | None = None
        self.password_file = self.root / "password"  # written by its chpasswd
        self.camera = self.root / "camera"
        self.orders = Misbehaviour()
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.commands: set[Command] = set()
        self.hub: EngineHub | None = None
        self.maker: EngineMaker | None = None  # makes its engines, if it has one
        self._listener: asyncssh.SSHAcceptor | None = None
        self._events = self._bytes = 0
        self._ordered_at: int | None = None
        self._tasks: set[asyncio.Task] = set()

    # Life cycle

    async def start(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        make_tools(self.root / "bin", self.root / "python")
        log = self.root / "engine.log"
        self.hub = EngineHub(self.engine, log, lambda: self.orders.of_library, self.maker)
        await self.hub.start()
        self._read_orders()
        self._show_files()
        self._connect_camera()
        await self._listen()
        services.boot(self.home, self.environment())
        self._later(self._watch_orders())

    def stop(self) -> None:
        self._kill_everything()
        self.hub.close()

    async def _listen(self) -> None:
        options: dict = {}
        if self.authorized_keys:
            options["authorized_client_keys"] = str(self.authorized_keys)
        key = _host_key(self.root / "other_host_key" if self.orders.other_host_key else self.host_key_file)
        self._listener = await asyncssh.listen(
            self.address,
            self.port,
            server_factory=lambda: _Server(self),
            server_host_keys=[key],
            encoding=None,
            keepalive_interval=0,
            reuse_address=True,
            **options,
        )
        self.port = self._listener.get_port()
        self._write_state(key)

    def _write_state(self, key: asyncssh.SSHKey) -> None:
        state = {
            "virtual": True,
            "pid": os.getpid(),
            "address": self.address,
            "port": self.port,
            "engine": engine_name(self.engine),
            "host_key": f"{key.get_algorithm()} {key.get_fingerprint()}",
            "obeys": self.orders.to_dict(),
            "ordered_at": self._ordered_at,  # modification time, in ns, of the misbehave.json in effect
        }
        temporary = self.root / "state.json.tmp"
        temporary.write_text(json.dumps(state, indent=1), "utf-8")
        os.replace(temporary, self.root / "state.json")

    def _later(self, work) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Orders

    def _read_orders(self) -> bool:
        """Apply the control file if it changed; True if the orders differ now."""
        path = self.root / "misbehave.json"
        try:
            changed_at = path.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        if changed_at == self._ordered_at:
            return False
        self._ordered_at = changed_at
        try:
            self.orders = Misbehaviour.parse(path.read_text("utf-8"))
        except BadOrder as error:
            print(f"virtual board: {error}", file=sys.stderr, flush=True)
            return False
        self._events = self._bytes = 0
        self._show_files()
        self._connect_camera()
        return True

    def _connect_camera(self) -> None:
        """Show a video device if there are pictures for one."""
        device = self.root / "dev" / "video0"
        if self.camera.exists() and self.orders.camera != "none":
            device.parent.mkdir(exist_ok=True)
            device.touch()
        else:
            device.unlink(missing_ok=True)

    def _show_files(self) -> None:
        shown = {BOOT_ID: self.boot, **self.orders.files}
        shown["librknnmrt.so"] = f"librknnmrt version: {self.orders.runtime} (virtual)"
        show(self.files, shown)

    async def _watch_orders(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if self._read_orders() and self._listener is not None:
                self._listener.close()
                await self._listen()

    # Failures

    def happens(self, name: str, connection: asyncssh.SSHServerConnection) -> None:
        """Count an event. ConnectionResetError if it must not take place."""
        self._events += 1
        self._maybe_fail(name, connection)

    async def received(self, count: int, connection: asyncssh.SSHServerConnection) -> None:
        """Count received bytes, and delay by the ordered slow link."""
        self._bytes += count
        self._maybe_fail("", connection)
        if self.orders.bytes_per_second:
            await asyncio.sleep(count / self.orders.bytes_per_second)

    def _maybe_fail(self, name: str, connection: asyncssh.SSHServerConnection) -> None:
        cut, drop = self.orders.power_cut, self.orders.drop
        if cut and cut.reached(self._events, name, self._bytes):
            self.orders.power_cut = None
            self._later(self._cut_power(cut.back_after))
            self._kill_everything()
            raise ConnectionResetError("power cut")
        if drop and drop.reached(self._events, name, self._bytes):
            self.orders.drop = None
            connection.abort()
            raise ConnectionResetError("connection dropped")
        if connection not in self.connections:
            raise ConnectionResetError("the connection is gone")

    def _kill_everything(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in list(self.connections):
            connection.abort()
        self.connections.clear()
        for command in list(self.commands):
            command.kill()
        services.end(self.home)
        self.hub.kill_engines()

    async def _cut_power(self, back_after: float) -> None:
        ordered_at, deadline = self._ordered_at, asyncio.get_running_loop().time() + back_after
        while self._ordered_at == ordered_at and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(min(back_after, WATCH_SECONDS))
        self.boot = str(uuid.uuid4())
        self._read_orders()
        self._show_files()
        await self._listen()
        services.boot(self.home, self.environment())

    def current_password(self) -> str:
        try:
            return self.password_file.read_text("utf-8")
        except FileNotFoundError:
            return self.password

    def own_keys(self) -> list[list[bytes]]:
        """The keys in the user's home, each as its kind and its base64."""
        try:
            text = (self.home / ".ssh" / "authorized_keys").read_bytes()
        except FileNotFoundError:
            return []
        return [line.split()[:2] for line in text.splitlines()]

    def free_bytes(self) -> int | None:
        """Room under the ordered quota; None without one."""
        if self.orders.disk_quota_bytes is None:
            return None
        used = 0
        for place, _, names in os.walk(self.home):
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    used += os.lstat(os.path.join(place, name)).st_size
        return max(0, self.orders.disk_quota_bytes - used)

    def need_room(self, count: int) -> None:
        """OSError ENOSPC if ``count`` more bytes do not fit."""
        free = self.free_bytes()
        if free is not None and count > free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def environment(self) -> dict[str, str]:
        """The environment of a command: nothing of the host's except a PATH to the board's own tools."""
        path = [str(self.root / "bin")] + ([] if self.orders.no_python else [str(self.root / "python")])
        environment = {
            "PATH": os.pathsep.join(path),
            "HOME": str(self.home),
            "USER": self.user,
            "LANG": "C",
            "PYTHONDONTWRITEBYTECODE": "1",
            "VIRTUAL_FILES": str(self.files),
            "VIRTUAL_PASSWORD": str(self.password_file),
            "VIRTUAL_CLOCK_OFFSET": str(self.orders.clock_offset),
            **self.hub.environment,
            CAMERA_VARIABLE: str(self.camera),
            CAMERA_FAULT_VARIABLE: self.orders.camera,
            DEVICE_VARIABLE: str(self.root / "dev" / "video0"),
        }
        if self.orders.runtime:
            environment["LD_LIBRARY_PATH"] = str(self.files)
        if not self.orders.no_library:
            environment["PYTHONPATH"] = str(STANDIN)
        free = self.free_bytes()
        if free is not None and not self.orders.df_lies:
            environment["VIRTUAL_DISK_KB"] = str(self.orders.disk_quota_bytes // 1024)
            environment["VIRTUAL_FREE_KB"] = str(free // 1024)
        return environment

    async def run_command(self, process: asyncssh.SSHServerProcess) -> None:
        command = Command(self, process)
        self.commands.add(command)
        try:
            await command.run()
        finally:
            self.commands.discard(command)


class _Server(asyncssh.SSHServer):
    """One connection to the board: login and banner."""

    def __init__(self, board: VirtualBoard):
        self._board = board

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._conn = conn
        self._board.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._board.connections.discard(self._conn)
        for command in list(self._board.commands):
            if command.connection is self._conn:
                command.kill()

    def begin_auth(self, username: str) -> bool:
        self._conn.send_auth_banner(
            f"This is a virtual board of Slipway, not a device. Engine: {engine_name(self._board.engine)}\r\n"
        )
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        right = hmac.compare_digest(password.encode(), self._board.current_password().encode())
        return right and username == self._board.user

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether the user's own file names the key; ``authorized_keys`` was asked before."""
        line = key.export_public_key("openssh").split()[:2]
        return username == self._board.user and line in self._board.own_keys()

    def session_requested(self) -> asyncssh.SSHServerProcess:
        board = self._board
        sftp = None if board.orders.no_sftp else lambda channel: BoardFiles(board, channel)
        return asyncssh.SSHServerProcess(board.run_command, sftp, 3, False)


def _host_key(path: Path) -> asyncssh.SSHKey:
    """Read the key, or generate one on first use, readable by its owner only."""
    if not path.exists():
        key = asyncssh.generate_private_key("ssh-ed25519")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(key.export_private_key())
    return asyncssh.read_private_key(str(path))
