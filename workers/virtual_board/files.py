"""SFTP of the virtual board: the login folder, with the ordered misbehaviour."""

from __future__ import annotations

import asyncssh

from workers.virtual_board.host import Host


class BoardFiles(asyncssh.SFTPServer):
    """``/`` and the login folder are both the board's home, so that relative paths match those of
    commands.
    """

    def __init__(self, board: Host, channel: asyncssh.SSHServerChannel):
        self._board = board
        super().__init__(channel, chroot=str(board.home).encode())

    def _event(self, call: str, path: bytes = b"") -> None:
        self._board.happens(f"sftp {call} {path.decode('utf-8', 'replace')}".rstrip(), self.connection)

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs):
        self._event("open", path)
        return super().open(path, pflags, attrs)

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        self._event("write")
        await self._board.received(len(data), self.connection)
        self._board.need_room(len(data))
        return super().write(file_obj, offset, data)

    def close(self, file_obj: object) -> None:
        self._event("close")
        super().close(file_obj)

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        self._event("mkdir", path)
        super().mkdir(path, attrs)

    def remove(self, path: bytes) -> None:
        self._event("remove", path)
        super().remove(path)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._event("rename", oldpath)
        super().rename(oldpath, newpath)
