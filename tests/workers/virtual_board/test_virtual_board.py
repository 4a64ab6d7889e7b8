import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from portal.deployment.steps import deploy
from portal.devices.answers import predict
from tests.devices.boards import (
    CONVERT_PYTHON,
    PASSWORD,
    PROFILE,
    PROJECT,
    RunningBoard,
    make_release,
    needs_convert_environment,
    picture,
    until,
)
from workers.virtual_board import scratch

pytestmark = [pytest.mark.ssh, needs_convert_environment]

# The stand-in's resize beside OpenCV's, on sizes that shrink, grow and stay.
COMPARE = """
import cv2, json, numpy
from workers.virtual_board.library import resize
random = numpy.random.default_rng(0)
worst = 0
for height, width, new_width, new_height in [
    (8, 8, 64, 64), (100, 73, 64, 64), (480, 640, 224, 224), (64, 64, 64, 64), (1, 1, 8, 8), (33, 17, 96, 31)
]:
    pixels = random.integers(0, 256, (height, width, 3), dtype=numpy.uint8)
    other = cv2.resize(pixels, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
    worst = max(worst, int(abs(resize(pixels, new_width, new_height).astype(int) - other).max()))
print(json.dumps(worst))
"""


def engines_of(board):
    """Process ids of the engines that this board has started."""
    found = subprocess.run(
        ["pgrep", "-f", f"virtual_board.engine {board.home}"], capture_output=True, text=True
    )
    return [int(line) for line in found.stdout.split()]


def start(tmp_path, *options):
    argv = [CONVERT_PYTHON, "-m", "workers.virtual_board", "--root", tmp_path / "b", "--port", "0", *options]
    return subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, timeout=60)


def test_it_has_no_password_of_its_own(tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    done = start(tmp_path, "--password-file", str(empty))
    assert done.returncode == 1
    assert "holds no password for the virtual board" in done.stderr


def test_it_refuses_orders_that_it_does_not_know(tmp_path):
    (tmp_path / "password").write_text(PASSWORD, "utf-8")
    done = start(tmp_path, "--password-file", str(tmp_path / "password"), "--misbehave", '{"explode": true}')
    assert done.returncode == 1
    assert "It knows: no_sftp" in done.stderr


def test_it_misbehaves_from_the_start_when_told_to(tmp_path):
    (tmp_path / "orders.json").write_text('{"no_sftp": true}', "utf-8")
    board = RunningBoard(tmp_path, "--misbehave", f"@{tmp_path / 'orders.json'}")
    try:
        assert board.state["obeys"] == {"no_sftp": True}
        with board.connect() as connection:
            assert connection.sftp() is None
    finally:
        board.stop()


def test_it_listens_on_the_loopback_address(board):
    assert board.state["address"] == "127.0.0.1"


def test_its_host_key_stays_and_is_private(tmp_path):
    board = RunningBoard(tmp_path)
    first = board.state["host_key"]
    board.stop()
    (board.root / "state.json").unlink()
    board = RunningBoard(tmp_path)
    try:
        assert board.state["host_key"] == first
        assert (board.root / "host_key").stat().st_mode & 0o077 == 0
    finally:
        board.stop()


def test_sftp_and_commands_see_the_same_relative_paths(board):
    with board.connect() as connection:
        connection.make_folder("a/b")
        connection.put_bytes(b"hello", "a/b/c.txt")
        assert connection.run(["cat", "a/b/c.txt"]).stdout == "hello"
        assert connection.run(["pwd"]).stdout.strip() == str(board.home)


def test_sftp_does_not_leave_its_folder(board):
    with board.connect() as connection:
        with pytest.raises(OSError):
            connection.sftp().open("/etc/passwd")
        with pytest.raises(OSError):
            connection.sftp().open("../../../../../../etc/passwd")


def test_commands_get_nothing_of_the_hosts_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_HOST", "x")
    board = RunningBoard(tmp_path)
    try:
        with board.connect() as connection:
            assert "SECRET_OF_THE_HOST" not in connection.run(["env"]).stdout
        # Whoever runs as the same user can read what a process was started with.
        started_with = Path(f"/proc/{board.process.pid}/environ").read_bytes()
        assert b"PATH=" in started_with and b"SECRET_OF_THE_HOST" not in started_with
    finally:
        board.stop()


def test_a_full_disk_shows_in_df(board):
    board.order(disk_quota_bytes=4096 * 1024)
    with board.connect() as connection:
        assert connection.free_bytes(".") == 4096 * 1024


def test_it_refuses_a_model_that_is_not_the_manifests(board, artifacts):
    with board.connect() as connection:
        deploy(connection, PROFILE, make_release(artifacts, "r1"))
        (board.home / "slipway/releases/r1/model.rknn").write_bytes(b"RKNN another")
        connection.put_bytes(picture("red"), "a.png")
        result = connection.run(["python", "slipway/current/runner.py", "answer", "a.png"])
    assert result.status == 1
    assert "model.rknn is not the file that the release's manifest names" in result.stdout


def test_it_says_which_files_are_no_images_before_a_model_is_loaded_and_after(board, artifacts):
    look = "from lockzhiner_vision_module.cv2 import imread; print(imread('{}').empty())"
    with board.connect() as connection:
        connection.put_bytes(picture("red"), "a.png")
        connection.put_bytes(b"no image", "b.png")
        for name, empty in (("a.png", "False"), ("b.png", "True"), ("c.png", "True")):
            assert connection.run(["python", "-c", look.format(name)]).stdout.split()[-1] == empty
        deploy(connection, PROFILE, make_release(artifacts, "r1"))
        given = predict(connection, PROFILE, [("a.png", picture("red")), ("b.png", b"no image")])
    assert [row.get("label") for row in given.answers] == ["red", None]


def test_the_library_is_as_noisy_as_the_vendors(board, artifacts):
    with board.connect() as connection:
        result = connection.run(["python", "-c", "from lockzhiner_vision_module.cv2 import imread"])
    assert "LockzhinerVisionModuleLibrary Version: 0.0.6-virtual" in result.stdout
    assert "opencv-mobile MIPI CSI camera with v4l2 rkaiq" in result.stdout


def test_one_engine_serves_all_answers_and_dies_with_the_board(board, artifacts):
    with board.connect() as connection:
        for _ in range(2):
            deploy(connection, PROFILE, make_release(artifacts, "r1"))
    (engine,) = engines_of(board)
    os.kill(board.process.pid, signal.SIGKILL)
    board.process.wait()
    until(lambda: not engines_of(board), f"engine {engine} to notice that the board is gone")


def test_an_engine_that_is_starting_ends_with_a_killed_board(board, artifacts):
    def begin() -> None:
        with contextlib.suppress(Exception), board.connect() as connection:
            deploy(connection, PROFILE, make_release(artifacts, "r1"))

    deploying = threading.Thread(target=begin)
    deploying.start()
    until(lambda: engines_of(board), "an engine to be started")
    os.kill(board.process.pid, signal.SIGKILL)
    board.process.wait()
    deploying.join()
    until(lambda: not engines_of(board), "it to end")


@pytest.mark.toolchain
def test_the_int8_simulator_answers_when_it_is_the_engine(tmp_path, artifacts):
    board = RunningBoard(tmp_path, "--engine", "simulator")
    try:
        with board.connect() as connection:
            done = deploy(connection, PROFILE, make_release(artifacts, "r1"))
            given = predict(connection, PROFILE, [("a.png", picture("red")), ("b.png", picture("blue"))])
    finally:
        board.stop()
    assert done.engine.startswith("virtual: rknn-toolkit2") and "int8 simulator" in done.engine
    assert [row["label"] for row in given.answers] == ["red", "blue"]


def test_a_command_dies_with_its_connection(board):
    with board.connect() as connection:
        connection.open_channel(["sh", "-c", "echo $$ > pid; exec sleep 300"], time.monotonic() + 60)
        pid = until(
            lambda: (board.home / "pid").exists() and (board.home / "pid").read_text().strip(), "sleep"
        )
    until(lambda: not os.path.exists(f"/proc/{pid}"), "the command to end")


def test_the_stand_in_resizes_as_opencv_does():
    done = subprocess.run(
        [CONVERT_PYTHON, "-c", COMPARE], env={"PYTHONPATH": str(PROJECT)}, capture_output=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == 0


def folders_of(tmp_path):
    return sorted(path.name for path in tmp_path.glob("vboard-*"))


def test_a_killed_board_leaves_a_temporary_folder_that_the_next_one_removes(tmp_path, monkeypatch, artifacts):
    temporary = tmp_path / "tmp"
    for folder in ("tmp", "first", "living", "third"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    first = RunningBoard(tmp_path / "first")
    living = RunningBoard(tmp_path / "living")
    assert len(folders_of(temporary)) == 2
    first.process.kill()
    first.process.wait()
    third = RunningBoard(tmp_path / "third")
    try:
        assert len(folders_of(temporary)) == 2, "the killed board's is gone, the living board's is not"
    finally:
        third.stop()
        living.stop()
    assert folders_of(temporary) == []


def test_a_folder_that_is_no_boards_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch.tempfile, "gettempdir", lambda: str(tmp_path))
    (tmp_path / "vboard-starting").mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / "vboard-link").symlink_to(tmp_path / "target")
    scratch.remove_left_over()
    assert (tmp_path / "vboard-starting").is_dir() and (tmp_path / "target").is_dir()
