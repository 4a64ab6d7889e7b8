"""Sentences in the reader's language.

What a job, a check, a board or a service says is stored, logged and answered by the API in English, the way
it was written. It is translated when it is shown: the catalogue holds each sentence of the code as a pattern
with named places, ``{count} images are too small.``; what is shown is matched against the patterns and
written again from the translation. What no pattern knows is shown as it is, and so are names in the places.

``manage.py messages`` collects the patterns, see ``extraction.py``.
"""

from __future__ import annotations

import gettext
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from django.conf import settings
from django.utils import translation
from django.utils.functional import lazy

CONTEXT = "sentence"
DOMAIN = "django"
_PLACE = re.compile(r"\{(\w+)\}|%\((\w+)\)[sd]")
_BREAK = re.compile(r"(?<=[.!?:]) (?=\S)")
_WORD = re.compile(r"[A-Za-z]+")
_FIRST_WORD = re.compile(r"[A-Za-z]+(?![A-Za-z{%])")  # whole: no place follows it directly
_DEPTH = 4
# Places that hold a word of ours and never a name that somebody gave.
_WORDS = {"word", "what", "label", "role", "get_role_display", "kind", "status", "target"}
_TELLING = 12
_LEAST = 7
_LONGEST = 2000  # characters; what is longer is a tool's output and no sentences


@dataclass(frozen=True, slots=True)
class Pattern:
    """One sentence with places. ``anchor`` is its longest piece of fixed text."""

    regex: re.Pattern
    answer: str
    anchor: str
    weight: int

    def places(self, text: str) -> dict[str, str] | None:
        match = self.regex.fullmatch(text) if self.anchor in text else None
        return match.groupdict() if match else None


class Catalogue:
    """All sentences of one language."""

    def __init__(self, pairs: dict[str, str]):
        self.exact = {source: answer for source, answer in pairs.items() if not _PLACE.search(source)}
        self._by_word: dict[str, list[Pattern]] = {}
        for source, answer in pairs.items():
            if _PLACE.search(source) and (pattern := _pattern(source, answer)):
                first = _FIRST_WORD.match(source)
                self._by_word.setdefault(first.group() if first else "", []).append(pattern)
        for patterns in self._by_word.values():
            patterns.sort(key=lambda pattern: -pattern.weight)

    def find(self, text: str, depth: int = 0) -> str | None:
        """The translation of a text of one or several sentences; None when nothing of it is known."""
        whole = self._one(text, depth)
        return whole if whole is not None else self._several(text, depth)

    def _one(self, text: str, depth: int) -> str | None:
        if text in self.exact:
            return self.exact[text]
        first = _WORD.match(text)
        told = [(pattern, True) for pattern in self._by_word.get(first.group() if first else None, ())]
        told += [(pattern, depth > 0 or pattern.weight >= _LEAST) for pattern in self._by_word.get("", ())]
        for pattern, fits in told:
            # What begins with a place and has hardly any fixed text would fit any text of its own.
            places = pattern.places(text) if fits else None
            if places is not None:
                said = {name: self._place(name, value, depth) for name, value in places.items()}
                return fill(pattern.answer, said)
        return None

    def _several(self, text: str, depth: int) -> str | None:
        """The longest known beginning that ends with a sentence, and then the rest."""
        gaps = list(_BREAK.finditer(text)) if len(text) <= _LONGEST else []
        for gap in reversed(gaps):
            start = self._one(text[: gap.start()], depth)
            if start is None:
                continue
            rest = self.find(text[gap.end() :], depth)
            rest = text[gap.end() :] if rest is None else rest
            return start + ("" if start.endswith(("。", "！", "？", "：")) else " ") + rest
        return None

    def _place(self, name: str, value: str, depth: int) -> str:
        """What stands in a place: a sentence or phrase of ours is translated, a name stays as it is."""
        if name.rstrip("0123456789") in _WORDS:
            return self.exact.get(value) or self.exact.get(value.capitalize(), value)
        if depth >= _DEPTH or " " not in value:
            return value
        found = self.find(value, depth + 1)
        if found is None and "; " in value:
            parts = value.split("; ")
            known = [self.find(part, depth + 1) for part in parts]
            if any(known):
                found = "；".join(new or old for new, old in zip(known, parts, strict=True))
        return value if found is None else found


def _pattern(source: str, answer: str) -> Pattern | None:
    """Compile a sentence; None for one with hardly any fixed text, which would fit anything."""
    pieces, names, position = [], set(), 0
    fixed: list[str] = []
    for place in _PLACE.finditer(source):
        fixed.append(source[position : place.start()])
        name = place.group(1) or place.group(2)
        pieces += [re.escape(fixed[-1]), f"(?P={name})" if name in names else f"(?P<{name}>.*?)"]
        names.add(name)
        position = place.end()
    fixed.append(source[position:])
    pieces.append(re.escape(fixed[-1]))
    weight = sum(len(piece) for piece in fixed)
    if not any(_WORD.search(piece) for piece in fixed):
        return None
    return Pattern(re.compile("".join(pieces), re.DOTALL), answer, max(fixed, key=len), weight)


def fill(answer: str, places: dict[str, str]) -> str:
    """Put values into the named places of a translation."""
    return _PLACE.sub(lambda place: places.get(place.group(1) or place.group(2), ""), answer)


@cache
def catalogue(language: str) -> Catalogue | None:
    """The sentences of a language; None where there are none, as in English."""
    pairs = stored(language)
    return Catalogue(pairs) if pairs else None


def stored(language: str) -> dict[str, str]:
    """What our compiled catalogue holds for a language: text → translation, a sentence's before a word's."""
    pairs: dict[str, str] = {}
    for folder in settings.LOCALE_PATHS:
        path = Path(folder, translation.to_locale(language), "LC_MESSAGES", f"{DOMAIN}.mo")
        if not path.exists():
            continue
        with path.open("rb") as file:
            found = gettext.GNUTranslations(file)._catalog
        for key, answer in found.items():
            if isinstance(key, str) and key and answer:
                context, mark, text = key.rpartition("\x04")
                if context == CONTEXT or (not mark and _is_telling(text)):
                    pairs[text] = answer if mark else pairs.get(text, answer)
    return pairs


def _is_telling(text: str) -> bool:
    """Whether a text of a page has enough fixed words to know it by; ``%(role)s in %(team)s`` has not."""
    return len(_PLACE.sub("", text)) >= _TELLING or not _PLACE.search(text)


@lru_cache(maxsize=8192)
def _translated(language: str, text: str) -> str:
    book = catalogue(language)
    found = book.find(text) if book else None
    return text if found is None else found


def translate(text) -> str:
    """``text`` in the reader's language, or as it is when no sentence fits."""
    text = "" if text is None else str(text)
    return _translated(translation.get_language() or settings.LANGUAGE_CODE, text) if text else text


# As ``translate``, when it is shown: for choices that are written down once.
lazy_sentence = lazy(translate, str)
