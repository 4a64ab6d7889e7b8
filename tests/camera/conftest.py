"""The virtual board of these tests: ``board_fixtures`` explains it. Its camera shows red, always."""

import pytest

from tests.devices.board_fixtures import *  # noqa: F403
from tests.devices.boards import picture


@pytest.fixture
def camera_board(renewed_board):
    """The board of ``rows``, with a camera."""
    folder = renewed_board.root / "camera"
    folder.mkdir(exist_ok=True)
    (folder / "red.png").write_bytes(picture("red"))
    renewed_board.order()
    return renewed_board
