"""The hostile board's SFTP: a folder of files that may stop answering."""

from __future__ import annotations

import os

import paramiko

FILE_MODES = (
    "no-sftp",
    "silent-sftp",
    "garbage-sftp",
    "freeze-sftp-open",
    "freeze-sftp-write",
    "freeze-sftp-read",
    "endless-file",
)


class Handle(paramiko.SFTPHandle):
    """An open file."""

    def __init__(self, board, stream):
        super().__init__()
        self._board, self.readfile, self.writefile = board, stream, stream

    def write(self, offset: int, data: bytes) -> int:
        if self._board.mode == "freeze-sftp-write":
            self._board.sleep()
        return super().write(offset, data)

    def read(self, offset: int, length: int) -> bytes | int:
        if self._board.mode == "freeze-sftp-read":
            self._board.sleep()
        if self._board.mode == "endless-file":
            return b"x" * length
        return super().read(offset, length)

    def stat(self) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))


class Files(paramiko.SFTPServerInterface):
    """Opens files below the board's temporary folder."""

    def __init__(self, server, board):
        super().__init__(server)
        self._board = board

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> Handle | int:
        if self._board.mode == "freeze-sftp-open":
            self._board.sleep()
        try:
            place = self._board.home / path.lstrip("/")
            stream = os.fdopen(os.open(place, flags, 0o600), "wb" if flags & os.O_WRONLY else "rb")
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        return Handle(self._board, stream)
