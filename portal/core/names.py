"""Validates names: visible characters on one line. Every name goes through here, whatever its source.

A line break forges a second log line or mail header; a bidirectional or zero-width character makes a name
look like another one.
"""

from __future__ import annotations

import unicodedata

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from workers.datakit.names import first_hidden


def fault(text: str) -> str:
    """What is wrong with a name, as a sentence; empty if nothing is."""
    return _sentence(first_hidden(text))


def fault_of_lines(text: str) -> str:
    """The same for a multi-line text: line breaks and tabs are allowed."""
    return _sentence(first_hidden(text, allowed="\r\n\t"))


def _sentence(found: str) -> str:
    if not found:
        return ""
    sign = f"U+{ord(found):04X}"
    title = unicodedata.name(found, "").lower()
    places = {"sign": f"{sign} ({title})" if title else sign}
    return _("This holds a line break or a character that nobody sees: leave out %(sign)s.") % places


def one_line(text: str) -> None:
    """Validator of forms, models and serializers: raise ValidationError for an invalid name."""
    if sentence := fault(text):
        raise ValidationError(sentence, code="hidden_character")


def visible(text: str) -> None:
    """The same for a multi-line text."""
    if sentence := fault_of_lines(text):
        raise ValidationError(sentence, code="hidden_character")


def shown(text: str) -> str:
    """Any text on one line, for a header or a subject: invisible characters become spaces."""
    return " ".join("".join(" " if first_hidden(letter) else letter for letter in str(text)).split())


class NameField(models.CharField):
    """A column for a name. For the database and migrations it is a plain CharField."""

    default_validators = [one_line]

    def deconstruct(self):
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs
