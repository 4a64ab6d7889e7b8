"""What people may call things: visible characters on one line. Every name passes here, whoever asks for it.

A line break forges a second line of a log or a header of a mail; a character that turns the direction of
writing or has no width makes a name look like another one.
"""

from __future__ import annotations

import unicodedata

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from workers.datakit.names import first_hidden


def fault(text: str) -> str:
    """What is wrong with a name, as a sentence; empty for a good one."""
    return _sentence(first_hidden(text))


def fault_of_lines(text: str) -> str:
    """The same for a text of several lines: line breaks and tabs are no fault of it."""
    return _sentence(first_hidden(text, allowed="\r\n\t"))


def _sentence(found: str) -> str:
    if not found:
        return ""
    sign = f"U+{ord(found):04X}"
    title = unicodedata.name(found, "").lower()
    places = {"sign": f"{sign} ({title})" if title else sign}
    return _("This holds a line break or a character that nobody sees: leave out %(sign)s.") % places


def one_line(text: str) -> None:
    """Validator of forms, models and serializers: raise ValidationError for what is no name."""
    if sentence := fault(text):
        raise ValidationError(sentence, code="hidden_character")


def visible(text: str) -> None:
    """The same for a text of several lines."""
    if sentence := fault_of_lines(text):
        raise ValidationError(sentence, code="hidden_character")


def shown(text: str) -> str:
    """A text of whatever origin on one line, for a header or a subject: what hides becomes a space."""
    return " ".join("".join(" " if first_hidden(letter) else letter for letter in str(text)).split())


class NameField(models.CharField):
    """A column for a name. To the database it is a CharField like any other, and so to migrations."""

    default_validators = [one_line]

    def deconstruct(self):
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs
