import ast
import re
import signal
from pathlib import Path

import pytest

from workers.board import drivers

PROGRAMS = Path(drivers.__file__).parent


@pytest.mark.parametrize("name", ["runner.py", "drivers.py", "tasks.py", "release_manager.py"])
def test_it_parses_as_python_3_8(name):
    ast.parse((PROGRAMS / name).read_text("utf-8"), feature_version=(3, 8))


def test_it_answers_pictures_with_any_name_among_the_noise(board, tmp_path):
    names = ["a b.png", "图'1\".png", "-x.png"]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(str(number).encode())
    messages, status = board.run("answer", "--", *[str(tmp_path / name) for name in names])
    assert status == 0
    assert [message["image"] for message in messages[:3]] == names
    assert [message["label"] for message in messages[:3]] == ["零", "one", "two"]
    assert messages[0]["label_id"] == 0 and messages[0]["score"] == 0.75 and messages[0]["ms"] >= 0
    done = messages[-1]
    assert (done["type"], done["answered"], done["failed"]) == ("done", 3, 0)
    assert done["engine"] == "lockzhiner_vision_module 0.0.6"
    assert done["load_ms"] >= 0


@pytest.mark.parametrize("error", [AttributeError, OSError])
def test_a_board_without_files_in_memory_keeps_the_noise_in_a_temporary_one(monkeypatch, error):
    def refuse(name):
        raise error("no such call")

    monkeypatch.setattr(drivers.os, "memfd_create", refuse)
    with drivers.open_scratch() as stream:
        stream.write(b"noise")
        stream.seek(0)
        assert stream.read() == b"noise"


def test_a_runner_whose_library_hangs_does_not_stay_on_the_board(board, tmp_path):
    runner = board.release / "runner.py"
    runner.write_text(
        re.sub("SILENT_SECONDS = [0-9]+", "SILENT_SECONDS = 1", runner.read_text("utf-8")), "utf-8"
    )
    library = board.libraries / "lockzhiner_vision_module" / "vision.py"
    library.write_text(
        library.read_text("utf-8") + "import time\nPaddleClas.predict = lambda *_: time.sleep(99)\n"
    )
    (tmp_path / "1.png").write_bytes(b"1")
    assert board.run("answer", str(tmp_path / "1.png")) == ([], -signal.SIGALRM)


def test_a_list_names_pictures_from_its_own_folder(board, tmp_path):
    folder = tmp_path / "收件 箱"
    folder.mkdir()
    (folder / "一.png").write_bytes(b"1")
    (folder / "list.txt").write_text("一.png\n\n", "utf-8")
    messages, _ = board.run("answer", "--list", str(folder / "list.txt"))
    assert [(row["type"], row.get("image")) for row in messages] == [("answer", "一.png"), ("done", None)]


def test_a_picture_that_cannot_be_read_does_not_stop_the_others(board, tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "one.png").write_bytes(b"1")
    messages, status = board.run("answer", str(tmp_path / "empty.png"), str(tmp_path / "one.png"))
    assert status == 0
    assert "send it as PNG, JPEG or BMP" in messages[0]["error"]
    assert messages[1]["label_id"] == 1
    assert (messages[2]["answered"], messages[2]["failed"]) == (1, 1)


def test_check_answers_the_golden_pictures(board):
    messages, status = board.run("check")
    assert status == 0
    assert messages[0]["image"] == "golden/0.png" and messages[0]["label_id"] == 2
    assert messages[-1]["type"] == "done"


def failed(board, *arguments, **how):
    messages, status = board.run(*arguments, **how)
    assert status == 1
    assert messages[-1]["type"] == "error"
    return messages[-1]["code"], messages[-1]["message"]


def test_check_refuses_another_answer_than_the_expected(board):
    board.fill(b"model", expected=1)
    code, message = failed(board, "check")
    assert code == "golden-mismatch"
    assert "golden/0.png: 2 ≠ 1" in message and "check the chip and the channel order" in message


def test_check_refuses_a_damaged_file(board):
    (board.release / "model.rknn").write_bytes(b"rot")
    assert failed(board, "check") == (
        "bad-release",
        "model.rknn of the release is missing or damaged: deploy again.",
    )


def test_a_folder_without_manifest_says_to_deploy_again(board):
    (board.release / "manifest.json").unlink()
    code, message = failed(board, "answer")
    assert code == "bad-release" and message.endswith("deploy again.")


def test_a_missing_library_says_what_to_install(board):
    code, message = failed(board, "check", library=False)
    assert code == "no-library" and "install-sh.sh" in message


@pytest.mark.parametrize(
    ("printed", "advice"),
    [
        (b"failed to allocate fd, ret: -1, errno: 12", "RkLunch-stop.sh"),
        (b"incompatible model version", "update the board's librknn runtime"),
        (b"Mismatch driver version, 0.8 requires driver version >= 0.9", "update the board's system image"),
        (b"unsupport cpu Sqrt op, op name: p in current", "keeps every operator on the NPU"),
        (b"something unheard of", "convert it again for this board's chip"),
    ],
)
def test_what_the_runtime_complains_of_becomes_advice(board, printed, advice):
    board.fill(b"bad " + printed)
    code, message = failed(board, "answer")
    assert code == "bad-model" and advice in message


def test_a_surprise_is_one_sentence_too(board):
    board.fill(b"crash")
    code, message = failed(board, "answer")
    assert code == "unexpected" and "ValueError('a surprise')" in message and "restart the board" in message


def test_it_probes_when_sent_through_standard_input(board):
    text = (PROGRAMS / "drivers.py").read_bytes()
    messages, status = board.run("probe", "--driver", "lockzhiner", stdin=text)
    assert status == 0
    assert messages[-1]["library_version"] == "0.0.6"
    assert messages[-1]["virtual"] is False
    assert messages[-1]["engine"] == "lockzhiner_vision_module 0.0.6"


def test_a_probe_without_the_library_names_the_problem(board):
    messages, status = board.run("probe", library=False, program="drivers.py")
    assert status == 0
    assert messages[-1]["library"] is None and "install-sh.sh" in messages[-1]["library_problem"]


def test_the_runtime_version_is_read_from_the_library_file(tmp_path, monkeypatch):
    (tmp_path / "librknnmrt.so").write_bytes(
        b"\0\x7fELF\0librknnmrt version: 2.3.2 (429f97ae6b@2025-04-09)\0x"
    )
    monkeypatch.setattr(drivers, "RUNTIME_FOLDERS", (str(tmp_path / "none"), str(tmp_path)))
    assert drivers.runtime_version() == "librknnmrt version: 2.3.2 (429f97ae6b@2025-04-09)"
