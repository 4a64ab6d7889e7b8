"""What the fields of API calls and of forms say about a wrong value: the bound, its unit, and what to give.

``set_up`` replaces the framework's own sentences. Fields with a unit name it: ``error_messages=MINUTES``.
"""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

NUMBERS = {"max_value": _("Give at most {max_value}."), "min_value": _("Give at least {min_value}.")}
ENTRIES = {
    "max_length": _("Give at most {max_length} entries."),
    "min_length": _("Give at least {min_length} entries."),
}
SENTENCES = {
    serializers.IntegerField: {**NUMBERS, "invalid": _("Give a whole number.")},
    serializers.FloatField: {**NUMBERS, "invalid": _("Give a number.")},
    serializers.CharField: {
        "max_length": _("Give at most {max_length} characters."),
        "min_length": _("Give at least {min_length} characters."),
        "blank": _("Give a text: it is empty."),
        "invalid": _("Give a text."),
    },
    serializers.FileField: {
        "max_length": _("Give the file a name of at most {max_length} characters: it has {length}."),
        "required": _("Send a file."),
        "empty": _("Send another file: this one is empty."),
    },
    serializers.ListField: {**ENTRIES, "empty": _("Give at least one entry.")},
    serializers.ListSerializer: {**ENTRIES, "empty": _("Give at least one entry.")},
}
_ABSENT = {"invalid_choice": _("There is no “%(value)s” to choose here.")}
FORM_SENTENCES = {
    forms.ChoiceField: _ABSENT,
    forms.MultipleChoiceField: _ABSENT,
    forms.ModelChoiceField: {"invalid_choice": _("It is no longer there: choose another one.")},
    forms.ModelMultipleChoiceField: {
        "invalid_choice": _("What you chose is no longer there: reload the page and choose again."),
        "invalid_pk_value": _("There is no “%(pk)s” to choose here."),
    },
}

MILLISECONDS = {
    "max_value": _("Give at most {max_value} milliseconds."),
    "min_value": _("Give {min_value} or more milliseconds."),
}
SECONDS = {
    "max_value": _("Give at most {max_value} seconds."),
    "min_value": _("Give {min_value} or more seconds."),
}
MINUTES = {
    "max_value": _("Give at most {max_value} minutes."),
    "min_value": _("Give {min_value} or more minutes."),
}
HOURS = {
    "max_value": _("Give at most {max_value} hours."),
    "min_value": _("Give {min_value} or more hours."),
}
DAYS = {
    "max_value": _("Give at most {max_value} days."),
    "min_value": _("Give {min_value} or more days."),
}
BYTES = {
    "max_value": _("Give at most {max_value} bytes."),
    "min_value": _("Give {min_value} or more bytes."),
}
MEBIBYTES = {
    "max_value": _("Give at most {max_value} MiB."),
    "min_value": _("Give {min_value} or more MiB."),
}
CYCLES = {
    "max_value": _("Give at most {max_value} cycles."),
    "min_value": _("Give {min_value} or more cycles."),
}
IMAGES = {
    "max_value": _("Give at most {max_value} images."),
    "min_value": _("Give {min_value} or more images."),
}
PIXELS = {
    "max_value": _("Give at most {max_value} pixels."),
    "min_value": _("Give {min_value} or more pixels."),
}
BOARDS = {
    "max_value": _("Give at most {max_value} boards."),
    "min_value": _("Give {min_value} or more boards."),
}


def set_up() -> None:
    """Before any serializer or form is defined: fields format their bounds when they are made."""
    for kind, sentences in [*SENTENCES.items(), *FORM_SENTENCES.items()]:
        kind.default_error_messages = {**kind.default_error_messages, **sentences}
