"""Full-text search in a few columns: every word must stand somewhere, as a part of a word or a whole.

Parts and not whole words, because Chinese is written without spaces between them and names such as
``left-line_v2`` have no words either. Upper and lower case are alike (on SQLite for Latin letters only).
"""

from __future__ import annotations

from functools import reduce

from django.db.models import Q

WORDS_AT_MOST = 8
LONGEST = 200


def words_of(text: str) -> list[str]:
    """The words to look for; what is beyond the limits is left out."""
    return list(dict.fromkeys(text[:LONGEST].split()))[:WORDS_AT_MOST]


def every_word(words: list[str], anywhere) -> Q:
    """Each word by itself fits ``anywhere(word)``, a Q."""
    return reduce(lambda found, word: found & anywhere(word), words, Q())


def number_of(word: str) -> Q:
    """The row with this number, where the word is ``12`` or ``#12``."""
    digits = word.removeprefix("#")
    return Q(pk=int(digits)) if digits.isascii() and digits.isdigit() and len(digits) < 19 else Q()
