"""Reads an xz file piece by piece in bounded memory; the standard library's own file has no bound."""

from __future__ import annotations

import lzma
from typing import BinaryIO

from workers.contract.messages import msg

# Memory for decoding. `xz -9`, the largest preset, needs 65 MB; a hostile header requests up to 4 GB.
MAX_MEMORY = 128 * 1024 * 1024
PIECE = 64 * 1024
_MAGIC = b"\xfd7zXZ\x00"


class XzStream:
    """The decompressed content of ``file``, of one stream or several with zeros between them.

    ``read`` raises EOFError for a truncated file, lzma.LZMAError for one that is damaged or needs more than
    MAX_MEMORY.
    """

    def __init__(self, file: BinaryIO):
        self._file = file
        self._decoder: lzma.LZMADecompressor | None = None
        self._waiting = b""

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, none at the end."""
        while True:
            if self._decoder is None and not self._begin():
                return b""
            if self._decoder.needs_input and not self._more():
                raise EOFError("the end of the file is missing")
            given, self._waiting = self._waiting, b""
            content = self._decoder.decompress(given, size)
            if self._decoder.eof:
                self._waiting, self._decoder = self._decoder.unused_data, None
            if content:
                return content

    def _begin(self) -> bool:
        """Start the next stream; return whether there is one."""
        while not self._waiting.lstrip(b"\0"):
            self._waiting = b""
            if not self._more():
                return False
        self._waiting = self._waiting.lstrip(b"\0")
        if len(self._waiting) < len(_MAGIC):
            self._more()
        if not self._waiting.startswith(_MAGIC):
            raise lzma.LZMAError(msg("there is something after its end"))
        self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_MEMORY)
        return True

    def _more(self) -> bool:
        """Read more of the file, unless some of it is still buffered; return whether there is any."""
        if not self._waiting or len(self._waiting) < len(_MAGIC):
            self._waiting += self._file.read(PIECE)
        return bool(self._waiting)
