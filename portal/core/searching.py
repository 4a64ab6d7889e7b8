"""Full-text search in a few columns: every word must occur somewhere, as a whole word or part of one.

Parts and not whole words, because Chinese is written without spaces and names such as ``left-line_v2`` have
no word boundaries. Case-insensitive (on SQLite for Latin letters only).
"""

from __future__ import annotations

from functools import reduce

from django.db.models import Q

WORDS_AT_MOST = 8
LONGEST = 200


def words_of(text: str) -> list[str]:
    """The words to search for; the rest beyond the limits is ignored."""
    return list(dict.fromkeys(text[:LONGEST].split()))[:WORDS_AT_MOST]


def every_word(words: list[str], anywhere) -> Q:
    """Each word must match ``anywhere(word)``, a Q."""
    return reduce(lambda found, word: found & anywhere(word), words, Q())


def number_of(word: str) -> Q:
    """The row with this number, if the word is ``12`` or ``#12``."""
    digits = word.removeprefix("#")
    return Q(pk=int(digits)) if digits.isascii() and digits.isdigit() and len(digits) < 19 else Q()
