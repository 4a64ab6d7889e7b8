"""Bounds how many threads of a process do something at once. Nobody waits for a slot."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Hashable, Iterator


class Slots:
    """``total`` slots, of which one key may hold ``each``; None means no limit per key."""

    def __init__(self, total: int, each: int | None = None):
        self.total, self.each = total, total if each is None else each
        self._held: Counter[Hashable] = Counter()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def take(self, key: Hashable = None) -> Iterator[bool]:
        """True inside if there was a free slot, which is released at the end; False otherwise."""
        with self._lock:
            got = self._held.total() < self.total and self._held[key] < self.each
            if got:
                self._held[key] += 1
        try:
            yield got
        finally:
            if got:
                self._release(key)

    def _release(self, key: Hashable) -> None:
        with self._lock:
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]
