"""The interface of a board connection that file transfers need."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import paramiko

from portal.devices.errors import BoardError, ConnectionLost


class Link(Protocol):
    """A logged-in connection; ``connection.BoardConnection`` is the only implementation."""

    address: str

    def run(self, argv: list[str], **options: Any) -> Any: ...

    def sftp(self) -> paramiko.SFTPClient | None: ...

    def patiently(self, call: Callable[[], Any], seconds: float, doing: str) -> Any: ...

    def undisturbed(self, seconds: float) -> AbstractContextManager[None]: ...

    def gone(self) -> bool: ...

    def lost(self, doing: str) -> ConnectionLost: ...

    def make_folder(self, *paths: str) -> None: ...

    def free_bytes(self, path: str) -> int | None: ...

    def write_failure(self, path: str, reason: str) -> BoardError: ...
