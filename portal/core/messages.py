"""Messages in the reader's language, and in the database.

``workers/contract/messages.py`` defines messages. ``shown`` renders one when it is read: on a page, in a
mail, in an API response. A plain text is not a message and is shown as it is.
"""

from __future__ import annotations

from typing import Any

from django.contrib.messages.storage.fallback import FallbackStorage
from django.db import models
from django.utils.functional import Promise, lazy
from django.utils.translation import gettext, ngettext, override, pgettext

from workers.contract.messages import Decoder, Encoder, Message, fill, loaded, stored

KEEPS_MESSAGES = {"encoder": Encoder, "decoder": Decoder}  # for a JSONField
_FULL_STOPS = ("。", "！", "？", "：", "；")  # no space follows them


def shown(value: Any) -> str:
    """``value`` in the reader's language: a message, an error made with one, or a lazy text; anything else
    unchanged.
    """
    text = "" if value is None else str(value)
    if not isinstance(text, Message):
        return text
    if text.parts:
        return _row(text)
    if text.plural:
        return fill(ngettext(text.id, text.plural, text.number), text.params, shown)
    return fill(gettext(text.id), text.params, shown) if text.id else ""


def _row(message: Message) -> str:
    by = _between(message.by)
    told = ""
    for part in message.parts:
        part = shown(part) if isinstance(part, Message) else part
        told += (by.lstrip() if told.endswith(_FULL_STOPS) else by if told else "") + part
    return told


def _between(by: str) -> str:
    return {
        ", ": pgettext("between two phrases", ", "),
        "; ": pgettext("between two phrases", "; "),
    }.get(by, by)


# As ``shown``, evaluated on each access: for choices that are defined once.
lazy_shown = lazy(shown, str)


def word(text: Promise | str) -> Message:
    """A gettext text, such as the label of a choice, as a message's parameter."""
    with override(None):
        return Message(str(text))


class MessageField(models.TextField):
    """A message, stored as JSON, or a plain text, stored as it is."""

    def from_db_value(self, value, expression, connection):
        return value if value is None else loaded(value)

    def get_prep_value(self, value):
        value = super().get_prep_value(value)
        return stored(value) if isinstance(value, str) else value


class MessageStorage(FallbackStorage):
    """Django's messages for the next page, stored in the language of the person who caused them."""

    def add(self, level, message, extra_tags=""):
        super().add(level, shown(message), extra_tags)
