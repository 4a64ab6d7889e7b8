"""The fixtures of a virtual board."""

from tests.devices.board_fixtures import artifacts, board, renewed_board, rows, shared_board

__all__ = ["artifacts", "board", "renewed_board", "rows", "shared_board"]
