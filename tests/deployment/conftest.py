import pytest

from tests.devices.boards import RunningBoard, make_tiny_model


@pytest.fixture
def board(tmp_path):
    running = RunningBoard(tmp_path)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("tiny"))
