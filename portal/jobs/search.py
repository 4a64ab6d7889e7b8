"""Searches jobs by words: in their own texts, and in the places that the apps above register."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Q

from portal.core.searching import every_word, number_of, words_of

_word_places: list[Callable] = []
_text_places: list[Callable] = []


def add_word_place(ways: Callable[[str, object], Q]) -> None:
    """Register ``ways(word, team)``: querysets of jobs whose surroundings contain a word."""
    _word_places.append(ways)


def add_text_place(ways: Callable[[str, object], Q]) -> None:
    """Register ``ways(text, team)``: querysets of jobs found by the whole text."""
    _text_places.append(ways)


def find(rows, text: str, team):
    """Jobs found by the whole text, and jobs with every word in their own texts and surroundings."""
    words = words_of(text)
    if not words:
        return rows
    found = every_word(words, lambda word: _anywhere(word, team))
    for ways in _text_places:
        found |= ways(text, team)
    return rows.filter(found)


def _anywhere(word: str, team) -> Q:
    found = Q(message__icontains=word) | number_of(word)
    for ways in _word_places:
        found |= ways(word, team)
    return found
