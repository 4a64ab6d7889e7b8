"""The filter form of the history. It only renders and validates; ``filters.py`` filters."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core import configs
from portal.core.filters import named
from portal.core.forms import StyledForm
from portal.core.messages import shown
from portal.datasets.models import Dataset
from portal.devices.models import Device
from portal.history.filters import DAYS, all_kinds
from portal.jobs.models import Status
from portal.runs.models import Tag
from portal.teams.filters import people

# Keep choice lists short, however many rows there are. The search finds the others.
SHOWN = 100


class HistoryForm(StyledForm):
    q = forms.CharField(
        required=False,
        max_length=200,
        label=_("Search"),
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Name, notes, tag, number, hash…")}),
    )
    kind = forms.ChoiceField(required=False, label=_("What"))
    status = forms.ChoiceField(required=False, label=_("Status"))
    person = forms.ChoiceField(required=False, label=_("Who"))
    dataset = forms.ChoiceField(required=False, label=_("Dataset"))
    recipe = forms.ChoiceField(required=False, label=_("Recipe"))
    chip = forms.ChoiceField(required=False, label=_("Chip"))
    device = forms.ChoiceField(required=False, label=_("Device"))
    tag = forms.CharField(required=False, max_length=40, label=_("Tag"))
    since = forms.DateField(
        required=False,
        label=_("From day"),
        validators=DAYS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = forms.DateField(
        required=False,
        label=_("To day"),
        validators=DAYS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, data, *, team):
        self.team = team
        super().__init__(data)
        choices = {
            "kind": (_("Runs and jobs"), all_kinds()),
            "status": (_("Every status"), Status.choices),
            "person": (_("Everybody"), self._rows("person", people(team), "username", "username")),
            "dataset": (_("Every dataset"), self._rows("dataset", Dataset.objects.for_team(team))),
            "recipe": (_("Every recipe"), named(configs.recipes())),
            "chip": (_("Every chip"), named(configs.chips())),
            "device": (_("Every device"), self._rows("device", Device.objects.for_team(team))),
        }
        for name, (everything, some) in choices.items():
            named_rows = name in ("person", "dataset", "device")
            words = some if named_rows else [(key, shown(title)) for key, title in some]
            self.fields[name].choices = [("", everything), *words]
        self.fields["tag"].widget.attrs["list"] = "tags"

    def _rows(self, name: str, rows, value: str = "pk", words: str = "name") -> list[tuple[str, str]]:
        """The newest rows and the selected one, sorted by name."""
        found = list(rows.order_by("-pk").values_list(value, words)[:SHOWN])
        chosen = self.data.get(name, "")
        if chosen and chosen not in [str(key) for key, _words in found] and (value != "pk" or _is_id(chosen)):
            found += rows.filter(**{value: chosen}).values_list(value, words)[:1]
        return sorted(found, key=lambda pair: pair[1].casefold())

    def tags(self):
        return Tag.objects.for_team(self.team)[:SHOWN]

    @property
    def more(self):
        return [self[name] for name in self.fields if name != "q"]

    @property
    def more_open(self) -> bool:
        return any(self.data.get(bound.name) or bound.errors for bound in self.more)

    def wanted(self) -> dict[str, str]:
        """The filters as query parameters. Invalid fields are ignored."""
        self.is_valid()
        good = {name: self.data[name] for name, value in self.cleaned_data.items() if value}
        return good


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
