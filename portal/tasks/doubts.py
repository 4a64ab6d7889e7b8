"""Grades of a model, and the reasons for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from workers.contract.messages import Message


class Grade(models.TextChoices):
    """How far a model can be trusted. ``good`` says that nothing speaks against it, no more."""

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
    """One thing that speaks against a model: a sentence, and what a person can do about it."""

    grade: Grade
    sentence: Message
    advice: Message
