"""Commands on the virtual board: /bin/sh in its home folder, with only its own few tools on the PATH."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import shutil
import signal
import site
import sys
from pathlib import Path

import asyncssh

from workers.virtual_board.host import Host

CHUNK = 32768
# Python runs what comes on standard input, instead of writing it to files.
KEPT_IN_MEMORY = re.compile(r"python3? (?:-|-c .*\bexec\(.*) ", re.DOTALL)
STANDIN = Path(__file__).resolve().parent / "standin"
# The tools that busybox gives a real board; the host's other programs cannot be reached by name.
TOOLS = (
    "awk base64 basename cat chmod cp cut date dd dirname echo env expr false find free grep head "
    "hostname id kill ln ls mkdir mv printf ps pwd readlink rm rmdir sed sh sha256sum sleep sort "
    "stat sync tail tar tee test touch tr true uname wc"
).split()
# df shows a full disk too, unless it was ordered to lie.
DF = """#!/bin/sh
if [ -n "$VIRTUAL_DISK_KB" ]; then
  echo "Filesystem 1K-blocks Used Available Use% Mounted on"
  echo "virtual $VIRTUAL_DISK_KB $((VIRTUAL_DISK_KB - VIRTUAL_FREE_KB)) $VIRTUAL_FREE_KB - /"
else
  exec {df} "$@"
fi
"""
# Files of /proc and /sys that were ordered to show other contents, and its own start time.
CAT = """#!/bin/sh
if [ $# = 1 ] && [ -e "$VIRTUAL_FILES$1" ]; then exec {cat} "$VIRTUAL_FILES$1"; fi
exec {cat} "$@"
"""
DATE = """#!/bin/sh
if [ "$*" = +%s ]; then echo $(( $({date} +%s) + VIRTUAL_CLOCK_OFFSET )); else exec {date} "$@"; fi
"""
# Its user's password, which the server reads at each login.
CHPASSWD = """#!/bin/sh
IFS=: read -r user password || exit 1
[ -n "$password" ] || exit 1
umask 077
printf '%s' "$password" > "$VIRTUAL_PASSWORD.new" && mv "$VIRTUAL_PASSWORD.new" "$VIRTUAL_PASSWORD"
"""
# Without the packages' start files, a third of its start, which a board does not have.
PYTHON = """#!/bin/sh
PYTHONPATH="${{PYTHONPATH:+$PYTHONPATH:}}{packages}" exec "{python}" -S "$@"
"""
WRAPPERS = {"df": DF, "cat": CAT, "date": DATE, "chpasswd": CHPASSWD}


def make_tools(bin_folder: Path, python_folder: Path) -> None:
    """Fill the folders for PATH; Python is in a separate one so that it can be taken away."""
    for folder in (bin_folder, python_folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for tool in TOOLS:
        found = shutil.which(tool)
        if found:
            (bin_folder / tool).symlink_to(found)
    for tool, script in WRAPPERS.items():
        (bin_folder / tool).unlink(missing_ok=True)
        _script(bin_folder / tool, script.replace("{" + tool + "}", shutil.which(tool) or "false"))
    # Not a link: an environment's interpreter finds its library by the path it is called by.
    python = PYTHON.format(packages=os.pathsep.join(site.getsitepackages()), python=sys.executable)
    for name in ("python", "python3"):
        _script(python_folder / name, python)


def _script(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    path.chmod(0o755)


class Command:
    """One command of one connection. Its whole process group dies with the connection or the power."""

    def __init__(self, board: Host, process: asyncssh.SSHServerProcess):
        self._board = board
        self._remote = process
        self.connection = process.get_extra_info("connection")
        self._child: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        command = self._remote.command
        if command is None:
            self._remote.stderr.write(b"This virtual board runs single commands only: ssh ... <command>\n")
            self._remote.exit(1)
            return
        try:
            self._board.happens(f"exec {command}", self.connection)
            status = await self._carry_out(command)
            self._board.happens(f"exit {command}", self.connection)
        except OSError:
            self.kill()
            return
        with contextlib.suppress(OSError, asyncssh.Error):
            if status < 0:
                self._remote.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
            else:
                self._remote.exit(status)

    async def _carry_out(self, command: str) -> int:
        self._child = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            command,
            cwd=self._board.home,
            env=self._board.environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        feeding = asyncio.create_task(self._feed())
        try:
            await asyncio.gather(
                self._pass_on(self._child.stdout, self._remote.stdout),
                self._pass_on(self._child.stderr, self._remote.stderr),
            )
            status = await self._child.wait()
            return 1 if feeding.done() and feeding.result() == "disk full" else status
        finally:
            feeding.cancel()
            self.kill()

    async def _feed(self) -> str:
        """Send the command its input. All uploads without SFTP come this way, so the disk fills here; a
        program sent to Python stays in memory.
        """
        stdin = self._child.stdin
        fills_disk = not KEPT_IN_MEMORY.match(self._remote.command or "")
        try:
            while data := await self._remote.stdin.read(CHUNK):
                await self._board.received(len(data), self.connection)
                if fills_disk:
                    self._board.need_room(len(data))
                stdin.write(data)
                await stdin.drain()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                # The command has ended without reading it all, or the connection is gone.
                return "not wanted"
            self._remote.stderr.write(f"write error: {error.strerror}\n".encode())
            self.kill()
            return "disk full"
        stdin.close()
        return "done"

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncssh.SSHWriter) -> None:
        while data := await source.read(CHUNK):
            target.write(data)
            await target.drain()

    def kill(self) -> None:
        if self._child is not None and self._child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
