"""One sentence of the catalogue: fixed words with named places between them, matched in linear time.

No regular expression: two places in one would try every way to share a text among them, and the texts are
written by people and by boards. Here each place takes as little as it can, from left to right, and nothing is
ever tried twice. Where a match exists, this finds the one that a lazy expression would find.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PLACE = re.compile(r"\{(\w+)\}|%\((\w+)\)[sd]")  # meets the texts of our own code and catalogue only
_WORD = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Pattern:
    """``pieces`` is the fixed text before, between and after the places."""

    pieces: tuple[str, ...]
    names: tuple[str, ...]
    answer: str

    @classmethod
    def of(cls, source: str, answer: str) -> Pattern | None:
        """The pattern of a sentence; None for one without a fixed word, which would fit anything."""
        pieces, names, position = [], [], 0
        for place in PLACE.finditer(source):
            pieces.append(source[position : place.start()])
            names.append(place.group(1) or place.group(2))
            position = place.end()
        pieces.append(source[position:])
        if not any(_WORD.search(piece) for piece in pieces):
            return None
        return cls(tuple(pieces), tuple(names), answer)

    @property
    def weight(self) -> int:
        """How many characters of it are fixed."""
        return sum(len(piece) for piece in self.pieces)

    def places(self, text: str) -> dict[str, str] | None:
        """What stands in the places of ``text``; None when the sentence does not fit.

        A place that comes twice must hold the same text both times.
        """
        first, last = self.pieces[0], self.pieces[-1]
        start, end = len(first), len(text) - len(last)
        if start > end or not text.startswith(first) or not text.endswith(last):
            return None
        found: dict[str, str] = {}
        for name, piece in zip(self.names[:-1], self.pieces[1:-1], strict=True):
            known = found.get(name)
            stop = text.find(piece, start, end) if known is None else start + len(known)
            if stop < 0 or stop + len(piece) > end or not text.startswith(piece, stop):
                return None
            if found.setdefault(name, text[start:stop]) != text[start:stop]:
                return None
            start = stop + len(piece)
        value = text[start:end]
        return found if found.setdefault(self.names[-1], value) == value else None


def fill(answer: str, places: dict[str, str]) -> str:
    """Put values into the named places of a translation."""
    return PLACE.sub(lambda place: places.get(place.group(1) or place.group(2), ""), answer)
