"""The form field that chooses devices of a team, however many it has."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.devices.models import Device
from workers.contract.messages import msg

LISTED = 100  # devices with a box to tick each; with more, their names are entered
PATTERNS = 50  # lines with a *
NAMED = 5


def devices_field(team, **options) -> forms.Field:
    """Boxes to tick, or a text with names if the team has many devices. Its value is a list of devices."""
    rows = Device.objects.for_team(team)
    if rows.count() > LISTED:
        return NamesField(rows, **options)
    widget = forms.CheckboxSelectMultiple
    return forms.ModelMultipleChoiceField(queryset=rows, required=False, widget=widget, **options)


class NamesField(forms.CharField):
    """Names of devices, one on each line; ``*`` in a name stands for anything."""

    def __init__(self, rows, **options):
        super().__init__(
            required=False,
            max_length=20_000,
            widget=forms.Textarea(attrs={"rows": 6}),
            help_text=_("Names, one per line. * stands for anything: Line 3 *"),
            **options,
        )
        self.rows = rows

    def prepare_value(self, value):
        if isinstance(value, str) or value is None:
            return value
        return "\n".join(device.name for device in value)

    def clean(self, value):
        wanted = [line.strip() for line in super().clean(value).splitlines() if line.strip()]
        if not wanted:
            return []
        if sum("*" in line for line in wanted) > PATTERNS:
            raise forms.ValidationError(str(msg("Use * in at most {most} lines.", most=PATTERNS)))
        names = dict(self.rows.values_list("name", "pk"))
        found = {line: _meant(names, line) for line in wanted}
        unknown = [line for line in found if not found[line]]
        if unknown:
            sentence = msg("No device is called: {names}.", names=", ".join(unknown[:NAMED]))
            raise forms.ValidationError(str(sentence))
        return list(self.rows.filter(pk__in={names[name] for mine in found.values() for name in mine}))


def _meant(names: Collection[str], line: str) -> list[str]:
    """The names that a line stands for. Only ``*`` is special: names may hold brackets."""
    if line in names or "*" not in line:
        return [line] if line in names else []
    plain = line.casefold().replace("[", "[[]").replace("?", "[?]")
    return [name for name in names if fnmatch.fnmatchcase(name.casefold(), plain)]
