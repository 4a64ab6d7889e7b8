import threading

import pytest

from workers.virtual_board import shown
from workers.virtual_board.misbehaviour import BadOrder, Misbehaviour, Moment


def test_an_empty_order_is_a_board_that_works():
    assert Misbehaviour.parse("") == Misbehaviour.parse("{}") == Misbehaviour()
    assert Misbehaviour().to_dict() == {}


def test_orders_are_read_with_their_moments():
    orders = Misbehaviour.parse('{"no_sftp": true, "power_cut": {"event": 3, "back_after": 0.5}}')
    assert orders.no_sftp and orders.power_cut == Moment(event=3, back_after=0.5)


@pytest.mark.parametrize("text", ['{"no_sftpp": true}', "[1]", "{", '{"drop": {"when": 1}}', '{"drop": 3}'])
def test_an_order_that_is_not_understood_names_those_that_are(text):
    with pytest.raises(BadOrder, match="It knows: no_sftp, no_python"):
        Misbehaviour.parse(text)


def test_a_moment_comes_at_its_event_its_text_or_its_bytes():
    assert not Moment(event=3).reached(2, "exec ls", 0)
    assert Moment(event=3).reached(3, "exec ls", 0)
    assert Moment(match="sftp open").reached(1, "sftp open a", 0)
    assert not Moment(match="sftp open").reached(1, "sftp close", 0)
    assert Moment(after_bytes=10).reached(1, "", 10)
    assert not Moment().reached(9, "exec ls", 99)


def test_files_that_are_read_while_orders_change_are_whole(tmp_path):
    boot, load, seen, done = "/proc/boot_id", "/proc/loadavg", set(), threading.Event()
    shown.show(tmp_path, {boot: "first"})

    def read():
        while not done.is_set():
            seen.add((tmp_path / "proc/boot_id").read_text("utf-8"))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        shown.show(tmp_path, {boot: "first", load: str(number)})
        assert (tmp_path / "proc/loadavg").read_text("utf-8") == f"{number}\n"
        shown.show(tmp_path, {boot: "first"})
    done.set()
    reader.join()
    assert seen == {"first\n"}
    assert [one.name for one in (tmp_path / "proc").iterdir()] == ["boot_id"]
