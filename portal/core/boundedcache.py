"""A cache in memory with a bound on what it holds, whatever the size of one entry."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any


class BoundedCache:
    """Keeps what was used last, up to ``most`` units of size; safe between threads.

    The unit is the caller's: characters, bytes. What is larger than a tenth of the bound is not kept.
    """

    def __init__(self, most: int):
        self.most, self.held = most, 0
        self._lock = threading.Lock()
        self._rows: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: Hashable) -> Any:
        """The value, or None."""
        with self._lock:
            row = self._rows.get(key)
            if row is None:
                return None
            self._rows.move_to_end(key)
            return row[0]

    def put(self, key: Hashable, value: Any, size: int) -> None:
        if size > self.most // 10:
            return
        with self._lock:
            self.held += size - self._rows.pop(key, (None, 0))[1]
            self._rows[key] = (value, size)
            while self.held > self.most:
                self.held -= self._rows.popitem(last=False)[1][1]

    def clear(self) -> None:
        with self._lock:
            self._rows.clear()
            self.held = 0
