import io

import paramiko
import pytest

from portal.devices.errors import (
    ConnectionLost,
    DiskFull,
    HostKeyChanged,
    RemoteFailed,
    RemoteTimeout,
    WrongPassword,
)
from portal.devices.hostkeys import HostKey
from portal.devices.jumping import fetch_host_key
from tests.devices.boards import RunningBoard, needs_convert_environment, until

pytestmark = [pytest.mark.ssh, needs_convert_environment]


def test_the_host_key_is_read_before_any_login(board):
    assert str(fetch_host_key("127.0.0.1", board.state["port"])) == board.state["host_key"]


def test_a_wrong_password_says_what_to_correct(board):
    with pytest.raises(WrongPassword, match="refused the password of user root: correct the user name"):
        board.connect(password="guess")


def test_a_changed_host_key_refuses_before_the_password_is_sent(board):
    pinned = board.state["host_key"]
    board.order(other_host_key=True)
    with pytest.raises(HostKeyChanged) as caught:
        # The password is wrong too: had it been sent, the error would be another one.
        board.connect(host_key=pinned, password="guess")
    assert caught.value.expected == pinned
    assert caught.value.found == board.state["host_key"] != pinned


def test_a_pinned_key_of_a_kind_the_server_no_longer_has_counts_as_changed(board):
    with pytest.raises(HostKeyChanged):
        board.connect(host_key=HostKey("ssh-rsa", "SHA256:" + "a" * 43))


def test_a_private_key_logs_in_and_a_strange_one_does_not(tmp_path):
    ours, strange = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
    allowed = tmp_path / "authorized_keys"
    allowed.write_text(f"{ours.get_name()} {ours.get_base64()}\n", "utf-8")
    board = RunningBoard(tmp_path, "--authorized-keys-file", str(allowed))
    try:
        with board.connect(password=None, private_key=text_of(ours)) as connection:
            assert connection.run(["echo", "in"]).stdout == "in\n"
        with pytest.raises(WrongPassword, match="refused the key of user root"):
            board.connect(password=None, private_key=text_of(strange))
    finally:
        board.stop()


def text_of(key):
    out = io.StringIO()
    key.write_private_key(out)
    return out.getvalue()


def test_arguments_arrive_whole_whatever_is_in_them(board):
    awkward = ["a b", "it's", "$HOME", "中文", "*", "; false", '"', "new\nline"]
    with board.connect() as connection:
        result = connection.run(["printf", "%s|", *awkward])
    assert result.stdout == "|".join(awkward) + "|"


def test_status_errors_input_and_lines_come_back(board):
    lines = []
    with board.connect() as connection:
        result = connection.run(
            ["sh", "-c", "cat; echo oops >&2; exit 3"], stdin=b"one\ntwo", on_line=lines.append
        )
    assert (result.status, result.stdout, result.stderr) == (3, "one\ntwo", "oops\n")
    assert lines == ["one", "two"]


def test_much_output_on_both_channels_does_not_block(board):
    script = "import sys\nfor i in range(20000): print('o' * 50); print('e' * 50, file=sys.stderr)"
    with board.connect() as connection:
        result = connection.run(["python", "-c", script])
    assert result.stdout.count("\n") == result.stderr.count("\n") == 20000


def test_a_command_that_is_slow_to_read_gets_all_of_its_input(board):
    with board.connect() as connection:
        result = connection.run(["sh", "-c", "sleep 1.5; wc -c"], stdin=b"x" * 8_000_000, timeout=60)
    assert result.stdout.strip() == "8000000"


def test_a_command_that_does_not_read_its_input_is_not_waited_for(board):
    with board.connect() as connection:
        result = connection.run(["sh", "-c", "exit 4"], stdin=b"x" * 8_000_000, timeout=60)
    assert result.status == 4


def test_a_command_that_does_not_end_is_given_up(board):
    with board.connect() as connection:
        with pytest.raises(RemoteTimeout, match="sleep on the board .* did not end within 0.5 seconds"):
            connection.run(["sleep", "60"], timeout=0.5)
        assert connection.run(["true"]).ok


class Enough(Exception):
    pass


def stop():
    raise Enough


def test_waiting_for_a_command_can_be_ended_and_tidying_up_after_it_cannot(board):
    with board.connect() as connection:
        connection.on_wait = stop
        with pytest.raises(Enough):
            connection.run(["sleep", "60"])
        with connection.undisturbed():
            assert connection.run(["sh", "-c", "sleep 1.2; echo tidy"]).stdout == "tidy\n"
        assert connection.on_wait is stop


@pytest.mark.parametrize("no_sftp", [False, True], ids=["by SFTP", "by cat"])
class TestFiles:
    def test_a_file_goes_there_and_back(self, board, tmp_path, no_sftp):
        board.order(no_sftp=no_sftp)
        local = tmp_path / "local"
        local.write_bytes(bytes(range(256)) * 1000)
        seen = []
        with board.connect() as connection:
            assert (connection.sftp() is None) is no_sftp
            connection.put_file(local, "一 two.bin", on_progress=seen.append)
            assert connection.get("一 two.bin") == local.read_bytes()
        assert (board.home / "一 two.bin").read_bytes() == local.read_bytes()
        assert seen[-1] == 256000

    def test_a_transfer_ends_when_its_progress_raises(self, board, tmp_path, no_sftp):
        board.order(no_sftp=no_sftp, bytes_per_second=30_000)
        local = tmp_path / "local"
        local.write_bytes(b"x" * 3_000_000)
        with board.connect() as connection:
            with pytest.raises(Enough):
                connection.put_file(local, "big.bin", on_progress=lambda sent: stop())
            assert connection.run(["true"]).ok

    def test_a_full_disk_says_what_to_do(self, board, no_sftp):
        board.order(no_sftp=no_sftp, disk_quota_bytes=100_000, df_lies=True)
        with board.connect() as connection:
            with pytest.raises(DiskFull, match="is full: big.bin could not be written. Delete files"):
                connection.put_bytes(b"x" * 300_000, "big.bin")

    def test_a_folder_that_is_not_there_is_no_full_disk(self, board, no_sftp):
        board.order(no_sftp=no_sftp)
        with board.connect() as connection:
            with pytest.raises(RemoteFailed, match="check that its user may write there"):
                connection.put_bytes(b"x", "nowhere/x.bin")

    def test_a_connection_that_breaks_under_way_says_so(self, board, no_sftp):
        board.order(no_sftp=no_sftp, drop={"after_bytes": 100_000})
        with board.connect() as connection:
            with pytest.raises(ConnectionLost, match="broke while .*: check its power and its cable"):
                connection.put_bytes(b"x" * 1_000_000, "big.bin")
            assert not connection.alive

    def test_a_file_that_is_not_there_cannot_be_read(self, board, no_sftp):
        board.order(no_sftp=no_sftp)
        with board.connect() as connection:
            with pytest.raises(RemoteFailed, match="check that it is still there"):
                connection.get("nothing.bin")


def test_a_slow_link_is_only_slow(board):
    board.order(bytes_per_second=200_000)
    with board.connect() as connection:
        connection.put_bytes(b"x" * 50_000, "slow.bin")
        assert (board.home / "slow.bin").stat().st_size == 50_000


def test_many_files_go_in_one_stream(board):
    files = {f"{number:06d}.png": bytes([number % 256]) * 700 for number in range(360)}
    with board.connect() as connection:
        connection.put_many(files, "in/box")
    assert {path.name: path.read_bytes() for path in (board.home / "in" / "box").iterdir()} == files


def test_many_files_also_reach_a_board_without_python(board):
    board.order(no_python=True)
    with board.connect() as connection:
        connection.put_many({"a": b"1", "b": b"2"}, "box")
    assert (board.home / "box" / "b").read_bytes() == b"2"


def test_many_files_also_reach_a_board_without_python_and_tar(board):
    board.order(no_python=True)
    (board.root / "bin" / "tar").unlink()
    with board.connect() as connection:
        connection.put_many({"a": b"1", "b": b"2"}, "box")
    assert (board.home / "box" / "a").read_bytes() == b"1"


def test_many_files_that_do_not_fit_say_that_the_disk_is_full(board):
    board.order(disk_quota_bytes=50_000, df_lies=True)
    with board.connect() as connection:
        with pytest.raises(DiskFull):
            connection.put_many({f"{number}": b"x" * 1000 for number in range(200)}, "box")


def test_a_power_cut_breaks_the_connection_and_the_board_comes_back(board):
    board.order(power_cut={"match": "exec sleep", "back_after": 0.3})
    with board.connect() as connection:
        with pytest.raises(ConnectionLost):
            connection.run(["sleep", "60"])
    again = until(lambda: reconnected(board), "the board to come back")
    with again:
        assert again.run(["echo", "back"]).stdout == "back\n"


def reconnected(board):
    try:
        return board.connect()
    except Exception:
        return None
