"""Forms for notification settings and webhooks."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.forms import StyledForm
from portal.core.names import one_line
from portal.notify import targets
from portal.notify.events import EVENTS, WEBHOOK_EVENTS
from portal.notify.models import Audience


def key(event: str, way: str) -> str:
    """The name of a field: ``run.failed`` and ``mail`` give ``run-failed-mail``."""
    return f"{event.replace('.', '-')}-{way}"


class ChoicesForm(StyledForm):
    """In the portal and by mail, for every event that the person's role can see."""

    def __init__(self, choices: dict[str, tuple[str, str]], data=None):
        self.base_fields = {}
        self.events = [EVENTS[name] for name in choices]
        for name, chosen in choices.items():
            for way, value in zip(("portal", "mail"), chosen, strict=True):
                words = _("%(event)s, in the portal") if way == "portal" else _("%(event)s, by mail")
                self.base_fields[key(name, way)] = forms.ChoiceField(
                    choices=Audience,
                    initial=value,
                    label=words % {"event": EVENTS[name].title},
                    widget=forms.Select(attrs={"class": "form-select-sm"}),
                )
        super().__init__(data)

    def rows(self):
        """(event, portal field, mail field) for the table."""
        for event in self.events:
            yield event, self[key(event.name, "portal")], self[key(event.name, "mail")]

    def chosen(self) -> dict[str, tuple[str, str]]:
        data = self.cleaned_data
        return {
            event.name: (data[key(event.name, "portal")], data[key(event.name, "mail")])
            for event in self.events
        }


class WebhookForm(StyledForm):
    name = forms.CharField(
        max_length=80, label=_("Name"), help_text=_("What listens there."), validators=[one_line]
    )
    url = forms.CharField(
        max_length=500,
        label=_("Address"),
        widget=forms.TextInput(attrs={"placeholder": "https://example.org/hook", "inputmode": "url"}),
        help_text=_("It gets a POST with JSON. Prefer https."),
    )
    events = forms.MultipleChoiceField(
        choices=[(name, EVENTS[name].title) for name in WEBHOOK_EVENTS],
        widget=forms.CheckboxSelectMultiple,
        label=_("Events"),
        error_messages={"required": _("Choose at least one.")},
    )

    def clean_url(self) -> str:
        try:
            targets.check(self.cleaned_data["url"])
        except targets.BadTarget as error:
            raise forms.ValidationError(str(error)) from error
        return self.cleaned_data["url"]
