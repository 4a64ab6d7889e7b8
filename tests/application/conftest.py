from tests.devices.board_fixtures import *  # noqa: F403
