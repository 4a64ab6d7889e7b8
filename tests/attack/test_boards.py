"""Whatever a board does, what talks to it ends, with a sentence, and costs little memory.

Deadlines are cut down to a second or two where a test waits for one: that they are kept is what counts, and
the bounds on time say no more than "it did not hang".
"""

from __future__ import annotations

import threading
import time

import pytest

from portal.core import configs
from portal.deployment import steps
from portal.devices import answers, channel, connection, health, probe, transfer
from portal.devices.errors import (
    BoardError,
    ConnectionLost,
    HostKeyChanged,
    MalformedAnswer,
    RemoteTimeout,
    SilentBoard,
    Unreachable,
    WrongPassword,
)
from portal.devices.jumping import fetch_host_key
from tests.attack.hostile_board import MODES
from tests.attack.hostile_commands import ANSWERS

PROFILE = configs.boards()["virtual"]
HUNG_SECONDS = 120.0
PICTURE = ("a.png", b"\x89PNG" + b"picture" * 10)

pytestmark = pytest.mark.ssh


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(connection, "OPEN_SECONDS", 1.5)
    monkeypatch.setattr(transfer, "ANSWER_SECONDS", 1.5)
    monkeypatch.setattr(channel, "STATUS_SECONDS", 1.5)
    monkeypatch.setattr(probe, "COMMAND_SECONDS", 1.5)
    monkeypatch.setattr(health, "READ_SECONDS", 1.5)


@pytest.fixture(autouse=True)
def in_time():
    start = time.monotonic()
    yield
    assert time.monotonic() - start < HUNG_SECONDS


def ask(line) -> None:
    answers.predict(line, PROFILE, [PICTURE])


def put(line) -> None:
    line.put_bytes(b"x" * 200_000, "upload.bin")


# How long a step of a login may take where the test waits until it may not.
SHORT_SECONDS = 1.5
NEVER_DONE = {"silent", "tarpit-greeting", "tarpit-kex", "freeze-auth", "tarpit-auth", "endless-banner"}
CONNECTING = {
    "silent": (Unreachable, "does not speak SSH"),
    "drop-connect": (Unreachable, "does not speak SSH"),
    "tarpit-greeting": (Unreachable, "does not speak SSH"),
    "endless-greeting": (Unreachable, "does not end"),
    "huge-packet": (Unreachable, "announces a packet"),
    "tarpit-kex": (Unreachable, "does not speak SSH"),
    "changed-key": (HostKeyChanged, "another host key"),
    "freeze-auth": (SilentBoard, "did not answer the login"),
    "tarpit-auth": (SilentBoard, "did not answer the login"),
    "drop-auth": (ConnectionLost, "broke while logging in"),
    "endless-banner": (BoardError, "did not answer the login|sending what nobody asked for"),
    "interactive-endless": (WrongPassword, "refused the password of user root"),
    "interactive-prompts": (MalformedAnswer, "too many questions"),
}


@pytest.mark.parametrize("mode", CONNECTING)
def test_a_connection_that_goes_wrong_ends_with_its_sentence(board, mode):
    error, words = CONNECTING[mode]
    board.order(mode)
    with pytest.raises(error, match=words):
        board.connect(timeout=SHORT_SECONDS if mode in NEVER_DONE else HUNG_SECONDS)


@pytest.mark.parametrize(
    "mode", ["silent", "tarpit-greeting", "endless-greeting", "huge-packet", "tarpit-kex"]
)
def test_a_host_key_that_never_comes_is_not_waited_for(board, mode):
    board.order(mode)
    with pytest.raises(Unreachable):
        fetch_host_key("127.0.0.1", board.state["port"], timeout=1.0)


@pytest.mark.parametrize("mode", ["interactive-only", "interactive-beside"])
class TestQuestionsForThePassword:
    def test_the_password_is_given_as_the_answer(self, board, mode):
        board.order(mode)
        with board.connect() as line:
            assert line.run(["true"]).ok

    def test_a_wrong_one_is_a_wrong_password(self, board, mode):
        board.order(mode)
        with pytest.raises(WrongPassword, match="refused the password of user root: correct the user name"):
            board.connect(password="guess")


COMMANDS = {
    "freeze-open": (RemoteTimeout, "did not answer within"),
    "freeze-exec": (RemoteTimeout, "did not answer within"),
    "silent-exec": (RemoteTimeout, "did not end within"),
    "stop-reading": (RemoteTimeout, "did not end within"),
    "no-status": (RemoteTimeout, "did not end within"),
    "drop-exec": (ConnectionLost, "broke while running"),
    "endless-stdout": (MalformedAnswer, "printed more than"),
    "endless-stderr": (MalformedAnswer, "printed more than"),
    "endless-both": (MalformedAnswer, "printed more than"),
    "endless-line": (MalformedAnswer, "printed"),
    "flood": (MalformedAnswer, "printed more than|does not keep to the SSH protocol"),
    "chatter": (BoardError, "sending what nobody asked for|did not end within"),
    "giant-answer": (MalformedAnswer, "printed more than"),
}


@pytest.mark.parametrize("mode", COMMANDS)
def test_a_probe_of_a_board_that_goes_wrong_ends_with_its_sentence(board, mode, request):
    error, words = COMMANDS[mode]
    if error is RemoteTimeout or mode == "chatter":
        request.getfixturevalue("impatient")
    board.order(mode)
    with board.connect() as line, pytest.raises(error, match=words):
        probe.probe(line, PROFILE)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("mode", ["no-window", "stop-reading"])
def test_a_board_that_takes_no_input_is_not_waited_for(board, mode):
    board.order(mode)
    with board.connect() as line, pytest.raises(RemoteTimeout):
        line.run(["sh", "-c", "cat > big"], stdin=b"x" * 8_000_000, timeout=2.0)


FILES = {
    "silent-sftp": "opening SFTP",
    "freeze-sftp-open": "writing upload.bin",
    "freeze-sftp-write": "writing upload.bin",
}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("mode", FILES)
def test_a_file_server_that_falls_silent_is_told(board, mode):
    board.order(mode)
    with (
        board.connect() as line,
        pytest.raises(RemoteTimeout, match=f"within .* seconds while {FILES[mode]}"),
    ):
        put(line)


def test_a_file_that_is_not_handed_out_is_told(board, impatient):
    with board.connect() as line:
        put(line)
        board.order("freeze-sftp-read")
        with pytest.raises(RemoteTimeout, match="while reading upload.bin"):
            line.get("upload.bin")


def test_a_file_without_end_is_cut_off(board):
    with board.connect() as line:
        put(line)
        board.order("endless-file")
        with pytest.raises(MalformedAnswer, match="is longer than 1000000 bytes"):
            line.get("upload.bin", limit=1_000_000)


@pytest.mark.parametrize("mode", ["no-sftp", "garbage-sftp"])
def test_files_go_another_way_where_sftp_is_none(board, mode):
    board.order(mode)
    with board.connect() as line:
        put(line)
        assert line.get("upload.bin") == b"x" * 200_000


@pytest.mark.parametrize("mode", [mode for mode in ANSWERS if mode != "control"])
def test_an_answer_that_makes_no_sense_is_the_boards_fault(board, mode):
    board.order(mode)
    with board.connect() as line, pytest.raises(MalformedAnswer, match="makes no sense|printed"):
        ask(line)


def test_control_characters_of_a_label_are_left_out(board):
    board.order("control")
    with board.connect() as line:
        (row,) = answers.predict(line, PROFILE, [PICTURE]).answers
    assert row["label"] == "[31mred alert"


def test_a_label_beyond_the_classes_is_the_boards_fault(board):
    with board.connect() as line:
        assert answers.predict(line, PROFILE, [PICTURE], classes=1).answers[0]["label_id"] == 0
        with pytest.raises(MalformedAnswer, match="not one of the 0 classes"):
            answers.predict(line, PROFILE, [PICTURE], classes=0)


@pytest.mark.parametrize("mode", ["nan", "no-answer", "deep", "type-list", "many-answers", "other-image"])
def test_false_facts_of_a_probe_are_not_believed(board, mode):
    board.order(mode)
    with board.connect() as line, pytest.raises(MalformedAnswer):
        probe.probe(line, PROFILE)


@pytest.mark.parametrize("mode", ["endless-stdout", "endless-stderr", "endless-line", "flood"])
def test_endless_output_costs_little_memory(board, mode):
    board.order(mode, at="runner.py")
    with board.connect() as line, Memory() as memory, pytest.raises(BoardError):
        ask(line)
    assert memory.grown_mb < 50


class Stop(Exception):
    pass


STUCK = {
    "freeze-open": (ask, ""),
    "freeze-exec": (ask, "runner.py"),
    "silent-exec": (ask, "runner.py"),
    "no-window": (ask, ""),
    "stop-reading": (ask, ""),
    "no-status": (ask, "runner.py"),
    "endless-stdout": (ask, "runner.py"),
    "freeze-sftp-write": (put, ""),
    "silent-sftp": (put, ""),
}


@pytest.mark.parametrize("mode", STUCK)
def test_whatever_a_board_is_stuck_in_can_be_stopped(board, monkeypatch, mode):
    """The deadlines are long here: only the stop can end it."""
    for module, name in (
        (connection, "OPEN_SECONDS"),
        (transfer, "ANSWER_SECONDS"),
        (channel, "STATUS_SECONDS"),
    ):
        monkeypatch.setattr(module, name, 600.0)
    monkeypatch.setattr(channel, "MAX_STREAMED_BYTES", 2**40)
    work, at = STUCK[mode]
    board.order(mode, at)
    with board.connect() as line:
        stop_at = time.monotonic() + 1.0

        def look() -> None:
            if time.monotonic() > stop_at:
                raise Stop

        line.on_wait = line.late_check = look
        with pytest.raises(Stop):
            work(line)


@pytest.mark.parametrize("mode", ["silent", "tarpit-greeting", "tarpit-kex", "freeze-auth"])
def test_a_connection_can_be_stopped_before_it_stands(board, mode):
    board.order(mode)

    def look() -> None:
        raise Stop

    with pytest.raises(Stop):
        board.connect(timeout=600.0, on_wait=look)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("at", ["sweep", "accept", "runner.py", "activate", "status"])
def test_a_deployment_that_freezes_at_any_step_ends(board, monkeypatch, tmp_path, at):
    monkeypatch.setattr(steps, "TIDY_SECONDS", 1.0)
    board.order("freeze-exec", at)
    with board.connect() as line, pytest.raises(RemoteTimeout):
        steps.deploy(line, PROFILE, a_release(tmp_path))


def test_a_deployment_to_a_board_that_works_goes_through(board, tmp_path):
    with board.connect() as line:
        done = steps.deploy(line, PROFILE, a_release(tmp_path))
        assert done.release == "r1" and done.engine == "hostile board"


def test_every_mode_is_tried_here():
    tried = {*CONNECTING, *COMMANDS, *FILES, *ANSWERS, *STUCK}
    tried |= {"good", "interactive-only", "interactive-beside", "no-sftp", "garbage-sftp"}
    tried |= {"freeze-sftp-read", "endless-file"}
    assert tried == set(MODES)


def a_release(folder):
    from portal.deployment.release import build_release
    from tests.devices.boards import NAMES, picture

    (folder / "model.rknn").write_bytes(b"RKNN\0\0\0\0" + b'{"target_platform":["rv1106"]}')
    (folder / "other").write_bytes(b"x" * 100_000)
    return build_release(
        "r1",
        PROFILE,
        model=folder / "model.rknn",
        class_names=NAMES,
        input_size=[16, 8],
        mean=[0, 0, 0],
        std=[0.1, 0.1, 0.1],
        task="classification",
        golden=[(picture("red"), {"label_id": 2})],
        provenance={"run": "7"},
        build_onnx=folder / "other",
        calibration=folder / "other",
    )


class Memory:
    """The most that this process grew by, in MB, looked at ten times a second."""

    def __enter__(self) -> Memory:
        self._start = self._most = resident_mb()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            self._most = max(self._most, resident_mb())

    def __exit__(self, *_exc: object) -> None:
        self._ended.set()
        self._thread.join()
        self._most = max(self._most, resident_mb())

    @property
    def grown_mb(self) -> float:
        return self._most - self._start


def resident_mb() -> float:
    with open("/proc/self/status", encoding="ascii") as status:
        (line,) = [line for line in status if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024
