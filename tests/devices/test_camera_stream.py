"""The camera of a board, read from the virtual board, whose camera is a folder of pictures."""

import io
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from PIL import Image

from portal.core import configs
from portal.devices import camera_stream
from portal.devices.camera_stream import CameraStream
from portal.devices.errors import BoardError, CameraFailed, ConnectionLost, RemoteTimeout
from tests.devices.boards import PROFILE, picture, until
from tests.devices.live import check_sentence

pytestmark = pytest.mark.ssh


@pytest.fixture
def board(renewed_board):
    """A board with a camera, before which everything is red."""
    (renewed_board.root / "camera").mkdir(exist_ok=True)
    (renewed_board.root / "camera" / "red.png").write_bytes(picture("red"))
    renewed_board.order()
    return renewed_board


def test_it_sends_pictures_of_the_wanted_size_and_says_that_it_is_virtual(board):
    with board.connect() as connection, CameraStream(connection, PROFILE, (320, 240)) as stream:
        frames = [stream.next() for _ in range(5)]
    assert "virtual" in stream.ready["camera"] and stream.ready["engine"] == ""
    assert [frame.fields["number"] for frame in frames] == [0, 1, 2, 3, 4]
    assert len({frame.jpeg for frame in frames}) == 5, "no two pictures are equal"
    shown = Image.open(io.BytesIO(frames[0].jpeg))
    assert shown.size == (320, 240) and shown.getpixel((160, 120))[0] > 200


def test_a_release_predicts_each_picture(board):
    folder = f"{PROFILE.root}/current"
    with board.connect() as connection, CameraStream(connection, PROFILE, release=folder) as stream:
        fields = [stream.next().fields for _ in range(2)][1]
    assert "virtual" in stream.ready["engine"] and stream.ready["problem"] is None
    assert fields["task"] == "classification" and fields["label"] == "red" and fields["ms"] > 0


def test_without_a_model_that_loads_there_are_pictures_and_the_reason(board):
    folder = f"{PROFILE.root}/releases/none"
    with board.connect() as connection, CameraStream(connection, PROFILE, release=folder) as stream:
        assert "task" not in stream.next().fields
    check_sentence(stream.ready["problem"])


@pytest.mark.parametrize("fault, words", [("none", "no camera"), ("busy", "cannot be opened")])
def test_a_camera_that_cannot_be_opened_is_a_sentence(board, fault, words):
    board.order(camera=fault)
    with board.connect() as connection, pytest.raises(CameraFailed, match=words) as failure:
        CameraStream(connection, PROFILE).__enter__()
    check_sentence(str(failure.value))


def test_a_camera_in_use_is_told_with_the_program_that_uses_it(board):
    with board.connect() as first, board.connect() as second, CameraStream(first, PROFILE) as stream:
        stream.next()
        with pytest.raises(CameraFailed, match="in use by python"):
            CameraStream(second, PROFILE).__enter__()
        assert stream.next().jpeg, "the first goes on"


def test_a_camera_that_the_application_uses_is_told_so(board):
    program = board.home / "slipway" / "app" / "app.py"
    program.parent.mkdir(parents=True, exist_ok=True)
    device = board.root / "dev" / "video0"
    locked = f"f = open({str(device)!r})\nfcntl.flock(f, 2)\nprint('locked', flush=True)"
    program.write_text(f"import fcntl, time\n{locked}\ntime.sleep(60)")
    application = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE)
    try:
        assert application.stdout.readline() == b"locked\n"
        with board.connect() as connection, pytest.raises(CameraFailed, match="stop the application"):
            CameraStream(connection, PROFILE).__enter__()
    finally:
        application.kill()
        application.communicate()


def test_as_an_rk3588_its_camera_is_read_by_the_calls_of_opencv(board):
    profile = configs.boards()["virtual-rk3588"]
    with board.connect() as connection, CameraStream(connection, profile, (320, 240)) as stream:
        frames = [stream.next() for _ in range(2)]
    assert "virtual" in stream.ready["camera"] and frames[0].jpeg != frames[1].jpeg
    shown = Image.open(io.BytesIO(frames[0].jpeg))
    assert shown.size == (320, 240) and shown.getpixel((160, 120))[0] > 200, "in the order of its colors"


def test_the_board_asks_for_nothing_ahead_of_single_pictures(board):
    with board.connect() as connection, CameraStream(connection, PROFILE, ahead=0) as stream:
        first = stream.next().fields["taken"]
        stream.rest(1)
        assert stream.next().fields["taken"] >= first + 1, "the second was taken when it was wanted"


def test_the_camera_is_free_once_the_reader_has_gone(board):
    with board.connect() as connection, CameraStream(connection, PROFILE) as stream:
        stream.next()
    with board.connect() as connection:

        def again():
            try:
                with CameraStream(connection, PROFILE) as stream:
                    return stream.next().jpeg
            except CameraFailed:
                return None

        assert until(again, "the camera to be free")


def test_a_board_that_vanishes_ends_the_stream_with_a_sentence(board):
    with board.connect() as connection, CameraStream(connection, PROFILE) as stream:
        stream.next()
        board.order(power_cut={"event": 1, "match": "exec", "back_after": 0.2})
        with board.connect() as other, pytest.raises(BoardError):
            other.run(["true"])
        with pytest.raises(ConnectionLost) as failure:
            while time.monotonic():
                stream.next()
    check_sentence(str(failure.value))
    until(board.is_back, "the board to be back")


def test_whoever_reads_can_stop_it(board):
    class Enough(Exception):
        pass

    def stop():
        raise Enough

    with board.connect() as connection, CameraStream(connection, PROFILE) as stream:
        connection.on_wait = stop
        with pytest.raises(Enough):
            stream.next()


def test_a_board_that_sends_a_byte_now_and_then_does_not_hold_its_reader(monkeypatch):
    monkeypatch.setattr(camera_stream, "LONGEST_MESSAGE_SECONDS", 0.0)
    stream = CameraStream(SimpleNamespace(on_wait=None, address="board"), PROFILE)
    stream._channel = SimpleNamespace(
        recv=lambda most: b"x", recv_stderr_ready=lambda: False, send=len, settimeout=lambda seconds: None
    )
    stream._patience = 0.05
    with pytest.raises(RemoteTimeout):
        stream._take(camera_stream.MAX_IMAGE_BYTES)
