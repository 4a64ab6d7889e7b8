"""All connections of a process: enforces deadlines, makes room."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

from django.conf import settings

from portal.ops.front import limits


class Keeper:
    """Tracks all connections of a server; ends those past their deadline, and makes room for new ones."""

    def __init__(self):
        self._connections: dict[Any, None] = {}
        self._addresses: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection) -> None:
        self._connections[connection] = None
        self._addresses[connection.address] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(1, self._check_all)
        if len(self._connections) > limits.CONNECTIONS:
            self._make_room(connection, list(self._connections))
        elif self._is_crowded(connection.address):
            self._make_room(
                connection, [one for one in self._connections if one.address == connection.address]
            )

    def remove(self, connection) -> None:
        if connection in self._connections:
            del self._connections[connection]
            self._addresses[connection.address] -= 1
            if not self._addresses[connection.address]:
                del self._addresses[connection.address]

    def _is_crowded(self, address: str) -> bool:
        # Behind a proxy, all connections come from one address.
        return not settings.PROXIES and self._addresses[address] > limits.CONNECTIONS_PER_ADDRESS

    @staticmethod
    def _make_room(newest, others: list) -> None:
        """End the connection that has waited longest for its client; the newest if all are busy."""
        oldest = next((one for one in others if one.deadline is not None), newest)
        oldest.transport.abort()

    def _check_all(self) -> None:
        now = time.monotonic()
        for connection in list(self._connections):
            connection.check_chunk_pace(now)
            if connection.is_over(now):
                connection.end()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(1, self._check_all) if self._connections else None


def keeper_of(server_state) -> Keeper:
    if not hasattr(server_state, "slipway_keeper"):
        server_state.slipway_keeper = Keeper()
    return server_state.slipway_keeper
