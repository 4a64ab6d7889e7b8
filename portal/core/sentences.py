"""Sentences in the reader's language.

What a job, a check, a board or a service says is stored, logged and answered by the API in English, the way
it was written. It is translated when it is shown: the catalogue holds each sentence of the code as a pattern
with named places, ``{count} images are too small.``; what is shown is matched against the patterns and
written again from the translation. What no pattern knows is shown as it is, and so are names in the places.

Much of what is shown was written by people and boards, so every cost is bounded: the length of a text
(``LONGEST``), the patterns tried for one text (``Work``), and the memory of what was translated.

``manage.py messages`` collects the patterns, see ``extraction.py``.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

from django.conf import settings
from django.utils import translation
from django.utils.functional import lazy

from portal.core.boundedcache import BoundedCache
from portal.core.sentencepattern import PLACE, Pattern, fill

CONTEXT = "sentence"
DOMAIN = "django"
_BREAK = re.compile(r"(?<=[.!?:]) (?=\S)")
_WORD = re.compile(r"[A-Za-z]+")
_FIRST_WORD = re.compile(r"[A-Za-z]+(?![A-Za-z{%])")  # whole: no place follows it directly
_DEPTH = 4
_SENTENCES = 20
# Places that hold a word of ours and never a name that somebody gave.
_WORDS = {"word", "what", "label", "role", "get_role_display", "kind", "status", "target"}
_TELLING = 12
_LEAST = 7
LONGEST = 2000  # characters; what is longer is a tool's output and no sentences
TRIES = 20_000  # patterns for one text; the longest of our own messages need a tenth of it
_known = BoundedCache(most=2_000_000)  # characters


class Work:
    """How many more patterns may be tried for one text. What is left then is shown in English."""

    def __init__(self, tries: int = TRIES):
        self.left = tries

    def spend(self) -> bool:
        self.left -= 1
        return self.left >= 0


class Catalogue:
    """All sentences of one language."""

    def __init__(self, pairs: dict[str, str]):
        self.exact = {source: answer for source, answer in pairs.items() if not PLACE.search(source)}
        self._by_word: dict[str, list[Pattern]] = {}
        for source, answer in pairs.items():
            if PLACE.search(source) and (pattern := Pattern.of(source, answer)):
                first = _FIRST_WORD.match(source)
                self._by_word.setdefault(first.group() if first else "", []).append(pattern)
        for patterns in self._by_word.values():
            patterns.sort(key=lambda pattern: -pattern.weight)

    def find(self, text: str, depth: int = 0, work: Work | None = None) -> str | None:
        """The translation of a text of one or several sentences; None when nothing of it is known."""
        if len(text) > LONGEST:
            return None
        work = work or Work()
        whole = self._one(text, depth, work)
        return whole if whole is not None else self._several(text, depth, work)

    def _one(self, text: str, depth: int, work: Work) -> str | None:
        if text in self.exact:
            return self.exact[text]
        for pattern in self._candidates(text, depth) if work.spend() else ():
            if not work.spend():
                break
            places = pattern.places(text)
            if places is not None:
                told = {name: self._place(name, value, depth, work) for name, value in places.items()}
                return fill(pattern.answer, told)
        return None

    def _candidates(self, text: str, depth: int) -> Iterator[Pattern]:
        first = _WORD.match(text)
        own = self._by_word.get(first.group(), ()) if first else ()
        # What begins with a place and has hardly any fixed text would fit any text of its own.
        others = (one for one in self._by_word.get("", ()) if depth > 0 or one.weight >= _LEAST)
        return chain(own, others)

    def _several(self, text: str, depth: int, work: Work) -> str | None:
        """Again and again the longest known beginning that ends with a sentence; the rest stays as it is."""
        told = ""
        for _ in range(_SENTENCES):
            start, text = self._beginning(text, depth, work)
            if start is None:
                break
            told += start + ("" if start.endswith(("。", "！", "？", "：")) else " ")
            whole = self._one(text, depth, work)
            if whole is not None:
                return told + whole
        return told + text if told else None

    def _beginning(self, text: str, depth: int, work: Work) -> tuple[str | None, str]:
        """The translation of the longest known beginning, or None; and the text after it."""
        for gap in reversed(list(_BREAK.finditer(text))):
            start = self._one(text[: gap.start()], depth, work)
            if start is not None:
                return start, text[gap.end() :]
        return None, text

    def _place(self, name: str, value: str, depth: int, work: Work) -> str:
        """What stands in a place: a sentence or phrase of ours is translated, a name stays as it is."""
        if name.rstrip("0123456789") in _WORDS:
            return self.exact.get(value) or self.exact.get(value.capitalize(), value)
        if depth >= _DEPTH or " " not in value:
            return value
        found = self.find(value, depth + 1, work)
        if found is None and "; " in value:
            parts = value.split("; ")
            known = [self.find(part, depth + 1, work) for part in parts]
            if any(known):
                found = "；".join(new or old for new, old in zip(known, parts, strict=True))
        return value if found is None else found


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
    return len(PLACE.sub("", text)) >= _TELLING or not PLACE.search(text)


def _translated(language: str, text: str) -> str:
    known = _known.get((language, text))
    if known is not None:
        return known
    book = catalogue(language)
    found = book.find(text) if book else None
    found = text if found is None else found
    _known.put((language, text), found, size=len(text) + len(found))
    return found


def translate(text) -> str:
    """``text`` in the reader's language, or as it is when no sentence fits or it is too long for one."""
    text = "" if text is None else str(text)
    if not text or len(text) > LONGEST:
        return text
    return _translated(translation.get_language() or settings.LANGUAGE_CODE, text)


# As ``translate``, when it is shown: for choices that are written down once.
lazy_sentence = lazy(translate, str)
