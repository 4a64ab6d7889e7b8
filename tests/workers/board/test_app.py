"""The application on a board, as real processes: it predicts, sends, restarts, follows the release."""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.workers.board.conftest import MARK, PYTHON, WORKERS, Board

APP = WORKERS / "board" / "app"


class Installed:
    """A root with two releases, the application and a pretended library."""

    def __init__(self, folder: Path):
        self.root, self.board = folder / "slipway", Board(folder)
        for name in ("first", "second"):
            shutil.copytree(self.board.release, self.root / "releases" / name)
        self.switch("first")
        shutil.copytree(APP, self.root / "app", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(WORKERS / "board" / "camera.py", self.root / "app")
        (self.root / "pictures").mkdir()
        (self.root / "pictures" / "a.png").write_bytes(b"1")
        self.configure()

    def configure(self, **changes):
        config = {
            "source": {"kind": "folder", "folder": "pictures"}, "every_ms": 50,
            "outputs": [{"kind": "file", "path": "seen.jsonl", "most_bytes": 4000}], **changes,
        }  # fmt: skip
        (self.root / "app" / "config.json").write_text(json.dumps(config), "utf-8")

    def switch(self, name: str):
        fresh = self.root / "current.new"
        fresh.symlink_to(Path("releases") / name)
        fresh.rename(self.root / "current")

    @property
    def environment(self) -> dict:
        return {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONPATH": str(self.board.libraries)}

    def run(self, *arguments, program="keeper.py", stdin=None):
        argv = [PYTHON, "-"] if stdin else [PYTHON, self.root / "app" / program]
        return subprocess.run(
            [*argv, *map(str, arguments)], env=self.environment, input=stdin, capture_output=True, timeout=60
        )

    def manage(self, *arguments) -> dict:
        done = self.run(*arguments, stdin=(WORKERS / "board" / "app_manager.py").read_bytes())
        [line] = [line for line in done.stdout.decode().splitlines() if line.startswith(MARK)]
        return json.loads(line[len(MARK) :])

    @property
    def state(self) -> dict:
        try:
            return json.loads((self.root / "app" / "run" / "state.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}

    @property
    def log(self) -> str:
        return (self.root / "app" / "run" / "log.txt").read_text("utf-8")

    def until(self, condition, what: str):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if condition():
                return
            time.sleep(0.05)
        pytest.fail(f"waited in vain for {what}: {self.state} {self.log}")


@pytest.fixture
def installed(tmp_path):
    made = Installed(tmp_path)
    yield made
    if (made.root / "app" / "keeper.py").exists():
        made.run("stop")


@pytest.mark.parametrize(
    "path", [*APP.glob("*.py"), WORKERS / "board" / "app_manager.py"], ids=lambda p: p.name
)
def test_the_programs_are_python_3_8(path):
    ast.parse(path.read_text("utf-8"), feature_version=(3, 8))


def test_golden_images_give_the_golden_predictions(installed):
    done = installed.run("--check", program="app.py")
    [line] = [json.loads(line) for line in done.stdout.decode().splitlines() if line.startswith("{")]
    assert done.returncode == 0 and line["label"] == "two" and line["differs"] == ""
    manifest = installed.root / "releases" / "first" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"label_id": 2', '"label_id": 1'))
    assert installed.run("--check", program="app.py").returncode == 1


def test_it_runs_follows_a_switch_survives_a_crash_and_stops(installed):
    assert installed.run("start").stdout == b"started\n"
    assert installed.run("start").stdout == b"it runs already\n"
    installed.until(lambda: installed.state.get("frames", 0) > 2, "predictions")
    seen = (installed.root / "app" / "run" / "seen.jsonl").read_text("utf-8").splitlines()
    line = json.loads(seen[-1])
    assert (line["label"], line["release"], line["image"]) == ("one", "first", "a.png")

    installed.switch("second")
    installed.until(
        lambda: installed.state["release"] == "second" and installed.state["frames"], "the switch"
    )
    assert "another release is current" in installed.log

    first = installed.state["pid"]
    os.kill(first, signal.SIGKILL)
    installed.until(lambda: installed.state["pid"] != first and installed.state["frames"], "a restart")
    assert "the app ended with status -9: starting again in 1 s" in installed.log
    files = {path.name: path.stat().st_size for path in (installed.root / "app" / "run").iterdir()}
    assert files["seen.jsonl"] <= 4000

    last = installed.state["pid"]
    assert installed.run("stop").stdout == b"stopped\n"
    assert not Path(f"/proc/{last}").exists() and installed.run("status").returncode == 3


def test_an_output_that_is_away_and_a_missing_release_are_told(installed):
    (installed.root / "current").unlink()
    installed.configure(outputs=[{"kind": "mqtt", "host": "127.0.0.1", "port": 1, "topic": "t"}])
    installed.run("start")
    installed.until(
        lambda: "no release is on this board" in installed.state.get("problem", ""), "the sentence"
    )
    installed.switch("first")
    installed.until(lambda: installed.state["outputs"][0]["waiting"], "lines that wait")
    installed.until(lambda: "refused" in installed.state["outputs"][0]["problem"], "why")
    assert not installed.state["problem"]


def test_what_cannot_work_is_said_and_tried_again(installed):
    installed.configure(source={"kind": "folder", "folder": "nothing here"})
    installed.run("start")
    installed.until(lambda: "nothing here" in installed.state.get("problem", ""), "the problem")
    (installed.root / "app" / "config.json").write_text("{")
    installed.until(lambda: "see README.txt" in installed.log, "the sentence")


def test_the_log_is_bounded(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(APP))
    import keeper

    log = keeper.Log(str(tmp_path / "log.txt"), most=1000)
    for number in range(100):
        log.say(f"line {number}")
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes.keys() == {"log.txt", "log.txt.1"} and max(sizes.values()) <= 1000


def test_the_manager_installs_starts_at_boot_and_removes(installed):
    boot, app = installed.root / "init.d", installed.root / "app"
    app.rename(installed.root / "app.new")
    (installed.root / "app.new" / "python").write_text(PYTHON)
    found = installed.manage("install", installed.root, boot)
    assert found["type"] == "app" and found["running"] and found["boot"] == str(boot / "S99slipway-app")
    assert (app / "config.json").stat().st_mode & 0o777 == 0o600
    assert installed.manage("stop", installed.root)["running"] is False
    done = subprocess.run([boot / "S99slipway-app", "start"], env=installed.environment, capture_output=True)
    assert done.stdout == b"started\n", done.stderr
    installed.until(lambda: installed.state.get("recent"), "predictions")
    found = installed.manage("status", installed.root, boot)
    assert found["release"] == "first" and found["recent"]
    assert any("keeper: started" in one for one in found["log"])
    assert installed.manage("remove", installed.root, boot) == {
        "type": "app", "installed": False, "running": False
    }  # fmt: skip
    assert not app.exists() and not any(boot.iterdir())
    assert installed.manage("start", installed.root)["type"] == "error"
