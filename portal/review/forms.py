"""The forms of the review queue."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.forms import StyledForm
from portal.datasets.models import Dataset
from portal.devices.models import Device
from portal.review.models import Rule

MOST_EVERY = 1_000_000
MOST_LIVE_SECONDS = 3600
MOST_IMAGES, MOST_MIB = 5000, 5000
LISTED = 200


class RuleForm(StyledForm):
    """A rule; shares are given in percent."""

    device = forms.ModelChoiceField(
        queryset=Device.objects.none(), required=False, label=_("Device"), empty_label=_("all devices")
    )
    below = forms.FloatField(
        required=False,
        min_value=0,
        max_value=100,
        label=_("Score below, %"),
        help_text=_("The best class, or the least sure box that is shown."),
    )
    margin = forms.FloatField(
        required=False,
        min_value=0,
        max_value=100,
        label=_("Two classes closer than, points"),
        help_text=_("The difference between the scores of the two best classes."),
    )
    every = forms.IntegerField(
        required=False, min_value=1, max_value=MOST_EVERY, label=_("One in how many images")
    )
    changed = forms.BooleanField(
        required=False,
        label=_("The prediction changed"),
        help_text=_(
            "The previous release, if it is still on the board, also predicts each image that is "
            "sent there. That takes twice as long. Of a live view, a sample of its images is compared once "
            "nobody watches it."
        ),
    )
    dataset = forms.ModelChoiceField(
        queryset=Dataset.objects.none(), required=False, label=_("Dataset"), empty_label=_("the model's own")
    )
    live_seconds = forms.IntegerField(
        min_value=1, max_value=MOST_LIVE_SECONDS, initial=5, label=_("Live: seconds between two images")
    )
    most_images = forms.IntegerField(
        min_value=1, max_value=MOST_IMAGES, initial=200, label=_("Images kept for each device")
    )
    most_mib = forms.IntegerField(
        min_value=1, max_value=MOST_MIB, initial=200, label=_("MiB kept for each device")
    )

    def __init__(self, *args, team, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["device"].queryset = Device.objects.for_team(team)
        self.fields["dataset"].queryset = Dataset.objects.for_team(team).live()

    @property
    def values(self) -> dict[str, Any]:
        """The fields of the rule, with shares as fractions."""
        data = dict(self.cleaned_data)
        for name in ("below", "margin"):
            data[name] = None if data[name] is None else data[name] / 100
        return data


def initial_of(rule: Rule) -> dict[str, Any]:
    """The form's initial values for an existing rule."""
    names = ("device", "every", "changed", "dataset", "live_seconds", "most_images", "most_mib")
    shares = {name: getattr(rule, name) for name in ("below", "margin")}
    return {name: getattr(rule, name) for name in names} | {
        name: None if share is None else round(share * 100, 2) for name, share in shares.items()
    }


class QueueFilter(forms.Form):
    """Which images the queue's page lists."""

    device = forms.ModelChoiceField(
        queryset=Device.objects.none(), required=False, label=_("Device"), empty_label=_("all devices")
    )

    def __init__(self, *args, team, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["device"].queryset = Device.objects.for_team(team)
        self.fields["device"].widget.attrs["class"] = "form-select form-select-sm"

    @property
    def chosen(self) -> dict[str, Any]:
        """The conditions on the rows; none for an invalid query."""
        device = self.cleaned_data["device"] if self.is_valid() else None
        return {"device": device} if device else {}
