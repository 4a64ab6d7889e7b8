"""The fixtures of a virtual board."""

from tests.devices.board_fixtures import artifacts, board

__all__ = ["artifacts", "board"]
