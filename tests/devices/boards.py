"""A virtual board in a process of its own, and releases for it. Needs the conversion's environment."""

from __future__ import annotations

import io
import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

from portal.core import configs
from portal.deployment.release import Release, build_release
from portal.devices.connection import BoardConnection

PROJECT = Path(__file__).resolve().parents[2]
CONVERT_PYTHON = Path(
    os.environ.get("CONVERT_PYTHON") or PROJECT / "workers" / "convert" / ".venv" / "bin" / "python"
)
PROFILE = configs.boards()["virtual"]
PASSWORD = "correct horse"
COLOURS = {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0)}
NAMES = list(COLOURS)
PATIENCE_SECONDS = 90.0  # the machine may be busy

needs_convert_environment = pytest.mark.skipif(
    not CONVERT_PYTHON.exists(), reason="the conversion's environment is not installed (make setup)"
)


def picture(colour: str, size: tuple[int, int] = (20, 30)) -> bytes:
    """A PNG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, COLOURS[colour]).save(out, "PNG")
    return out.getvalue()


def until(condition, what: str):
    """Wait for something another process does; a truthy result is returned."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    pytest.fail(f"waited {PATIENCE_SECONDS:g} seconds in vain for {what}")


class RunningBoard:
    """A started virtual board: where it is, and what it is ordered to do wrong."""

    def __init__(self, folder: Path, *options: str):
        self.root = folder / "board"
        self.home = self.root / "home"
        password = folder / "password"
        password.write_text(PASSWORD + "\n", "utf-8")
        argv = [CONVERT_PYTHON, "-m", "workers.virtual_board", "--root", self.root, "--port", "0"]
        argv += ["--password-file", password, "--engine", "onnxruntime", *options]
        # Only what it keeps of its environment: with more it starts again without that, which takes a second.
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        with (folder / "board.log").open("wb") as log:
            self.process = subprocess.Popen(argv, cwd=PROJECT, env=kept, stdout=log, stderr=log)
        until(lambda: self.state or self.process.poll() is not None, "the virtual board to start")
        assert self.process.poll() is None, (folder / "board.log").read_text("utf-8")

    @property
    def state(self) -> dict:
        try:
            return json.loads((self.root / "state.json").read_text("utf-8"))
        except FileNotFoundError:
            return {}

    def order(self, **orders) -> None:
        """Change what it does wrong, and wait until it obeys."""
        control = self.root / "misbehave.json"
        fresh = control.with_suffix(".tmp")
        fresh.write_text(json.dumps(orders), "utf-8")
        fresh.replace(control)
        wanted = control.stat().st_mtime_ns
        until(lambda: self.state.get("ordered_at") == wanted, f"the board to obey {orders}")

    def connect(self, **changes) -> BoardConnection:
        state = self.state
        access = {"host_key": state["host_key"], "password": PASSWORD} | changes
        return BoardConnection.connect("127.0.0.1", state["port"], "root", **access)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class OneOfMany(RunningBoard):
    """A board of ``start_many``; it ends with the others."""

    def __init__(self, root: Path):
        self.root, self.home = root, root / "home"

    def stop(self) -> None:
        raise NotImplementedError("stop the process that holds it")


def start_many(count: int, folder: Path) -> tuple[subprocess.Popen, list[OneOfMany]]:
    """Virtual boards in one process group, and the process that holds them: terminate that at the end."""
    password = folder / "password"
    password.write_text(PASSWORD + "\n", "utf-8")
    argv = [CONVERT_PYTHON, "-m", "workers.virtual_board.many", "--root", folder, "--count", str(count)]
    with (folder / "boards.log").open("wb") as log:
        process = subprocess.Popen([*argv, "--password-file", password], cwd=PROJECT, stdout=log, stderr=log)
    found = [OneOfMany(folder / f"board{number}") for number in range(count)]
    until(
        lambda: all(board.state for board in found) or process.poll() is not None,
        "the virtual boards to start",
    )
    assert process.poll() is None, (folder / "boards.log").read_text("utf-8")
    return process, found


def make_tiny_model(folder: Path, script_name: str = "make_tiny_model.py", *more: str, chip="rv1106") -> Path:
    script = PROJECT / "tests" / "devices" / script_name
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    subprocess.run([CONVERT_PYTHON, script, folder, *more], cwd=PROJECT, env=environment, check=True)
    # Each its own bytes: the virtual board keeps an engine by the hash of a model.
    name = " ".join([script_name, *more])
    rknn = b"RKNN\0\0\0\0" + f'{name}{{"target_platform":["{chip}"]}}'.encode()
    (folder / "model.rknn").write_bytes(rknn)
    return folder


def make_release(artifacts: Path, name: str, expected: dict[str, int] | None = None) -> Release:
    """A release of the colour model; ``expected`` overrides what the golden pictures should be."""
    labels = expected or {colour: number for number, colour in enumerate(NAMES)}
    return build_release(
        name,
        PROFILE,
        model=artifacts / "model.rknn",
        class_names=NAMES,
        input_size=[16, 8],
        mean=[0, 0, 0],
        std=[0.1, 0.1, 0.1],
        task="classification",
        golden=[(picture(colour), {"label_id": label}) for colour, label in labels.items()],
        provenance={"run": "7"},
        build_onnx=artifacts / "build.onnx",
        calibration=artifacts / "calibration.zip",
    )
