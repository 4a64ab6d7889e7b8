"""The fixtures of virtual boards."""

from tests.devices.board_fixtures import artifacts, board, renewed_board, rows, shared_board

__all__ = ["artifacts", "board", "renewed_board", "rows", "shared_board"]
