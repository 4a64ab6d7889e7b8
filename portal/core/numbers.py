"""Whole numbers as they stand in addresses and headers."""

from __future__ import annotations

LONGEST = 18  # digits, so that a database takes the number


def whole_number(text: str) -> int | None:
    """The number; None for anything but ASCII digits and for what no database takes."""
    fits = text.isascii() and text.isdigit() and len(text) <= LONGEST
    return int(text) if fits else None
