import os
import signal
from pathlib import Path

import pytest

from portal.deployment.steps import deploy
from tests.devices.boards import PROFILE, make_release, needs_convert_environment, start_many, until

pytestmark = [pytest.mark.ssh, needs_convert_environment]


@pytest.fixture
def held(tmp_path):
    process, boards = start_many(2, tmp_path)
    yield process, boards
    process.kill()
    process.wait()


def children_of(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def descendants_of(pid):
    return [pid, *(one for child in children_of(pid) for one in descendants_of(child))]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it ended before, or while its file was read
        return False


def test_each_board_has_its_own_key_releases_and_engine_and_all_end_together(held, artifacts):
    process, boards = held
    states = [board.state for board in boards]
    assert len({state["port"] for state in states}) == len({state["host_key"] for state in states}) == 2
    assert sorted(children_of(process.pid)) == sorted(state["pid"] for state in states)

    with boards[0].connect() as connection:
        done = deploy(connection, PROFILE, make_release(artifacts, "r1"))
    assert [row["label"] for row in done.golden] == ["blue", "green", "red"]
    assert not (boards[1].home / "slipway").exists()
    # Of the first: its maker and the engine that it made. Of the second: its maker.
    assert [len(descendants_of(state["pid"])) for state in states] == [3, 2]

    everyone = descendants_of(process.pid)
    process.terminate()
    assert process.wait(60) == 0
    until(lambda: not any(map(alive, everyone)), "every process to end")


def test_an_engine_that_dies_is_made_again(held, artifacts):
    _process, (board, _other) = held
    with board.connect() as connection:
        deploy(connection, PROFILE, make_release(artifacts, "r1"))
        (maker,) = children_of(board.state["pid"])
        (engine,) = children_of(maker)
        os.kill(engine, signal.SIGKILL)
        until(lambda: not alive(engine), "the engine to end")
        deploy(connection, PROFILE, make_release(artifacts, "r2"))
        assert children_of(maker) not in ([], [engine])
