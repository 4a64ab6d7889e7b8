"""Whole numbers in URLs and headers."""

from __future__ import annotations

LONGEST = 18  # digits that fit a database integer


def whole_number(text: str) -> int | None:
    """The number; None for anything but ASCII digits, or a number too large for a database."""
    fits = text.isascii() and text.isdigit() and len(text) <= LONGEST
    return int(text) if fits else None
