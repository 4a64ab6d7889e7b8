"""Searches runs by words."""

from __future__ import annotations

from django.db.models import Q

from portal.core.searching import every_word, number_of, words_of
from portal.runs.models import Run


def find(rows, text: str):
    """Runs with every word in their name, notes, tags, message or dataset's name, or as their number."""
    words = words_of(text)
    return rows.filter(every_word(words, _anywhere)) if words else rows


def _anywhere(word: str) -> Q:
    own = Q(name__icontains=word) | Q(notes__icontains=word) | Q(message__icontains=word)
    tagged = Run.tags.through.objects.filter(tag__name__icontains=word).values("run")
    data = Q(dataset_version__dataset__name__icontains=word)
    return own | Q(pk__in=tagged) | data | number_of(word)
