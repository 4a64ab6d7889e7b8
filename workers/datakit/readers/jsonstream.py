"""Reads a JSON object or list that is too large for memory: the elements of lists come one at a time.

Why not ijson: it refuses NaN, which tools write for a box without a size, and numbers of more than 64 bits.
It decodes bytes that are not UTF-8, such as GB 18030, to wrong letters. It bounds neither depth nor length.
For keys not known in advance, it takes two and a half times as long.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

# No annotation of one object is this large.
MAX_ELEMENT = 32 * 1024 * 1024
_BLANK = re.compile(r"[ \t\n\r]*")


class _Text:
    """The text not parsed yet; more is decoded on demand."""

    def __init__(self, blocks: Iterable[bytes], encoding: str):
        self._blocks = iter(blocks)
        self._decode = codecs.getincrementaldecoder(encoding)().decode
        self._ended = False
        self.text, self.at = "", 0

    def more(self, least: int = 1) -> bool:
        """Decode at least ``least`` more characters, if available; return whether there were any."""
        parts, gained = [self.text[self.at :]], 0
        while not self._ended and gained < least:
            block = next(self._blocks, b"")
            self._ended = not block
            parts.append(self._decode(block, self._ended))
            gained += len(parts[-1])
        self.text, self.at = "".join(parts), 0
        return gained > 0

    def peek(self) -> str:
        """The next character that is not blank, or "" at the end."""
        while True:
            self.at = _BLANK.match(self.text, self.at).end()
            if self.at < len(self.text) or not self.more():
                return self.text[self.at : self.at + 1]

    def take(self, wanted: str) -> str:
        """Take the next character, which must be in ``wanted``."""
        found = self.peek()
        if not found or found not in wanted:
            where = f"{found!r}" if found else "the end"
            raise ValueError(f"{' or '.join(wanted)} is expected where {where} is")
        self.at += 1
        return found


class _Values:
    """The values in ``blocks``, decoded one after the other."""

    def __init__(self, blocks: Iterable[bytes], encoding: str):
        self._text = _Text(blocks, encoding)
        self._decoder = json.JSONDecoder()

    def _value(self) -> Any:
        """Decode the next value; the text is doubled until it contains the whole of it."""
        text = self._text
        while True:
            text.peek()
            try:
                value, end = self._decoder.raw_decode(text.text, text.at)
            except json.JSONDecodeError:
                held = len(text.text) - text.at
                if held > MAX_ELEMENT or not text.more(held):
                    raise
                continue
            # The rest of a number, after 1 or 1. or 1e+, may not be decoded yet.
            if end >= len(text.text) - 2 and not text.text[end:].strip(".eE+-") and text.more():
                continue
            text.at = end
            return value

    def _list(self) -> Iterator[Any]:
        """Yield the elements of the next list."""
        self._text.take("[")
        if self._text.peek() == "]":
            self._text.take("]")
            return
        while True:
            yield self._value()
            if self._text.take(",]") == "]":
                return

    def _end(self) -> None:
        if self._text.peek():
            raise ValueError("there is something after its end")


class Elements(_Values):
    """The elements of the JSON list in ``blocks``, one by one; raises as ``Members`` does."""

    def __iter__(self) -> Iterator[Any]:
        yield from self._list()
        self._end()


class Members(_Values):
    """The members of the JSON object in ``blocks``, as pairs of key and value.

    A member that is a list yields its elements one by one, each with the key; ``lists`` are the keys of
    lists. Raises ValueError (also a UnicodeDecodeError) or RecursionError for invalid input.
    """

    def __init__(self, blocks: Iterable[bytes], encoding: str):
        super().__init__(blocks, encoding)
        self.lists: set[str] = set()

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        text = self._text
        text.take("{")
        if text.peek() != "}":
            while True:
                yield from self._member()
                if text.take(",}") == "}":
                    break
        else:
            text.take("}")
        self._end()

    def _member(self) -> Iterator[tuple[str, Any]]:
        if self._text.peek() != '"':
            raise ValueError("a member has no name")
        key = self._value()
        self._text.take(":")
        if self._text.peek() != "[":
            yield key, self._value()
            return
        self.lists.add(key)
        for element in self._list():
            yield key, element
