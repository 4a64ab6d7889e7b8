"""Grades of a model, and the reasons for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from workers.contract.messages import Message, msg, msg_n

NAMED = 3  # classes that a sentence names; the others are counted
QUANTIZATION = msg("Try other quantization settings, or choose another recipe.")


class Grade(models.TextChoices):
    """How far a model can be trusted. ``good`` means only that no doubt was found."""

    GOOD = "good", _("Good")
    DOUBTFUL = "doubtful", _("Doubtful")
    WORTHLESS = "worthless", _("Not usable")

    @property
    def look(self) -> str:
        """The class of its box in ``slipway.css``."""
        return {"good": "verdict-good", "doubtful": "verdict-warn", "worthless": "verdict-refused"}[
            self.value
        ]

    @property
    def icon(self) -> str:
        return {"good": "check-circle", "doubtful": "question-circle", "worthless": "x-octagon"}[self.value]

    @classmethod
    def worst(cls, grades: Iterable[Grade]) -> Grade:
        return max(grades, key=list(cls).index, default=cls.GOOD)


@dataclass(frozen=True)
class Doubt:
    """One doubt about a model: a sentence, and what a person can do about it."""

    grade: Grade
    sentence: Message
    advice: Message


def named(rows: list[dict]) -> list[str] | str:
    """The classes of these rows for a sentence."""
    shown = [f"“{row['name']}”" for row in rows[:NAMED]]
    more = len(rows) - len(shown)
    return [*shown, msg_n("{count} more", "{count} more", more)] if more else shown


def percent(share: float) -> str:
    """A fraction as a percentage for a sentence: 98.05 %, 53 %."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + " %"
