"""The interface of the board that commands and files use."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol


class Host(Protocol):
    home: Path

    def happens(self, event: str, connection: Any) -> None: ...

    def environment(self) -> dict[str, str]: ...

    async def received(self, count: int, connection: Any) -> None: ...

    def need_room(self, count: int) -> None: ...
