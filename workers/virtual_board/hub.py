"""The virtual board's engines: one process per model, started on first use, gone with the board."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from workers.contract.ties import tied
from workers.virtual_board import scratch
from workers.virtual_board.forking import EngineMaker, ForkedEngine
from workers.virtual_board.standin.virtual_wire import ENGINE_VARIABLE, SOCKET_VARIABLE

START_SECONDS = 120.0
POLL_SECONDS = 0.02
# Each simulator holds a few hundred megabytes; a board has one current model and perhaps one on trial.
MOST_ENGINES = 2
SIMULATED = ("sim/build.onnx", "sim/calibration.zip")
PROJECT = Path(__file__).resolve().parents[2]


class Refused(Exception):
    """Why the stand-in's ``initialize`` fails."""


def engine_name(kind: str) -> str:
    """The board's name for its engine before any model is loaded."""
    if kind == "simulator":
        return f"rknn-toolkit2 {version('rknn-toolkit2')} int8 simulator"
    return f"onnxruntime {version('onnxruntime')} float"


def checked_hash(model: Path) -> str:
    """The model's SHA-256; Refused unless model and simulator files match the manifest."""
    try:
        files = json.loads((model.parent / "manifest.json").read_text("utf-8"))["files"]
        for name in ("model.rknn", *SIMULATED):
            if hashlib.sha256((model.parent / name).read_bytes()).hexdigest() != files[name]["sha256"]:
                raise Refused(f"{name} is not the file that the release's manifest names")
        return files["model.rknn"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"the release has no whole manifest and simulator ({error})") from error


class EngineHub:
    """Answers the stand-in's ``open`` with the socket of the right engine."""

    def __init__(
        self,
        kind: str,
        log: Path,
        faults: Callable[[], dict[str, bool]],
        maker: EngineMaker | None = None,
    ):
        """``maker`` starts the engines, if there is one; else each is a program of its own."""
        self.kind = kind
        self._maker = maker
        self._log = log
        self._faults = faults
        scratch.remove_left_over()
        self._folder, self._lock = scratch.make()
        self._engines: dict[str, asyncio.subprocess.Process | ForkedEngine] = {}
        self._starting = asyncio.Lock()
        self._server: asyncio.AbstractServer | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {ENGINE_VARIABLE: engine_name(self.kind), SOCKET_VARIABLE: str(self._folder / "hub")}

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, str(self._folder / "hub"))

    def close(self) -> None:
        self.kill_engines()
        if self._server:
            self._server.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)

    def kill_engines(self) -> None:
        for key in list(self._engines):
            self._kill(key)

    def _kill(self, key: str) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._engines.pop(key).pid, signal.SIGKILL)
        for suffix in ("", ".json"):
            (self._folder / f"{key}{suffix}").unlink(missing_ok=True)
        shutil.rmtree(self._temporary(key), ignore_errors=True)

    def _temporary(self, key: str) -> Path:
        """Where an engine unpacks files: removed with it, however it ends."""
        return self._folder / f"{key}.d"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            reply = await self._open(Path(request["open"]))
        except Refused as error:
            reply = {"error": str(error)}
        except (OSError, ValueError, KeyError) as error:
            reply = {"error": f"the virtual board could not start its engine ({error})"}
        with contextlib.suppress(OSError):
            writer.write(json.dumps({**reply, "bytes": 0}).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def _open(self, model: Path) -> dict:
        key = (await asyncio.to_thread(checked_hash, model))[:16]
        async with self._starting:
            running = self._engines.get(key)
            if running is None or running.returncode is not None:
                await self._start_engine(key, model.parent)
            # Move the one just used to the end: the first is the next to be stopped.
            self._engines[key] = self._engines.pop(key)
        facts = json.loads((self._folder / f"{key}.json").read_text("utf-8"))
        return {**facts, "socket": str(self._folder / key), **self._faults()}

    async def _start_engine(self, key: str, release: Path) -> None:
        if key in self._engines:
            self._kill(key)
        while len(self._engines) >= MOST_ENGINES:
            self._kill(next(iter(self._engines)))
        self._temporary(key).mkdir(exist_ok=True)
        self._engines[key] = process = await self._spawn(key, release)
        await self._wait_until_ready(key, process)

    async def _spawn(self, key: str, release: Path) -> asyncio.subprocess.Process | ForkedEngine:
        if self._maker is not None:
            place = release, self._folder / key, self._temporary(key), self._log
            return await asyncio.to_thread(self._maker.start, *place)
        argv = [sys.executable, "-m", "workers.virtual_board.engine", str(release), self.kind]
        with self._log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *argv,
                str(self._folder / key),
                cwd=PROJECT,
                env=os.environ | {"TMPDIR": str(self._temporary(key))},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=tied(),
            )

    async def _wait_until_ready(self, key: str, process: asyncio.subprocess.Process | ForkedEngine) -> None:
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not (self._folder / f"{key}.json").exists():
            if process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                if key in self._engines:
                    self._kill(key)
                raise Refused(f"the engine {engine_name(self.kind)} did not start; {self._log} says why")
            await asyncio.sleep(POLL_SECONDS)
