"""Fixtures of a virtual board, for the ``conftest.py`` of every folder whose tests talk to one."""

import pytest

from tests.devices.boards import RunningBoard, make_tiny_model
from tests.devices.live import Rows, SharedBoard, without_broker


@pytest.fixture
def board(tmp_path):
    """A board of the test's own, without any release."""
    running = RunningBoard(tmp_path)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="package")
def shared_board(tmp_path_factory, artifacts):
    running = SharedBoard(tmp_path_factory.mktemp("board"), artifacts)
    yield running
    running.stop()


@pytest.fixture
def renewed_board(shared_board):
    """The board that many tests share, as good as new."""
    shared_board.renew()
    return shared_board


@pytest.fixture
def rows(team, alice, renewed_board, artifacts, monkeypatch):
    without_broker(monkeypatch)
    return Rows(team, alice, renewed_board, artifacts)
