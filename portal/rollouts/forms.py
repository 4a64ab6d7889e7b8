"""The forms of rollouts and groups."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.forms import StyledForm
from portal.core.names import one_line
from portal.devices.models import DeviceTag
from portal.models.models import Model
from portal.rollouts import planning
from portal.rollouts.fields import devices_field
from portal.rollouts.models import Group
from portal.rollouts.planning import RolloutError

MODELS_SHOWN = 50  # newest


class GroupForm(StyledForm):
    name = forms.CharField(max_length=80, label=_("Name"), validators=[one_line])
    devices = forms.Field()  # see ``devices_field``
    time_zone = forms.CharField(
        max_length=60,
        required=False,
        label=_("Time zone"),
        help_text=_("Such as Asia/Shanghai, for the hours in which rollouts may change these boards."),
    )

    def __init__(self, *args, team, **kwargs):
        self.base_fields = self.base_fields | {"devices": devices_field(team, label=_("Devices"))}
        super().__init__(*args, **kwargs)


class RolloutForm(StyledForm):
    """A rollout; shares are given in percent."""

    model = forms.ModelChoiceField(queryset=Model.objects.none(), label=_("Model"), empty_label=None)
    name = forms.CharField(
        max_length=120,
        required=False,
        label=_("Name"),
        help_text=_("Empty: the model's name."),
        validators=[one_line],
    )
    groups = forms.ModelMultipleChoiceField(
        queryset=Group.objects.none(), required=False, widget=forms.CheckboxSelectMultiple, label=_("Groups")
    )
    tags = forms.ModelMultipleChoiceField(
        queryset=DeviceTag.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("Devices with one of these tags"),
    )
    devices = forms.Field()  # see ``devices_field``
    waves = forms.CharField(
        max_length=1000,
        required=False,
        initial="1, 25%, 100%",
        label=_("Waves"),
        help_text=_(
            "Separated by commas: a number of boards, a share of all boards, or a group's name. The rest "
            "come last."
        ),
    )
    may_fail_percent = forms.FloatField(
        min_value=0,
        max_value=100,
        initial=0,
        label=_("Boards of a wave that may fail, %"),
        help_text=_("More failures halt the rollout."),
    )
    at_once = forms.IntegerField(min_value=1, max_value=50, initial=4, label=_("Boards at the same time"))
    needs_approval = forms.BooleanField(required=False, label=_("Each further wave needs approval"))
    pause_minutes = forms.IntegerField(
        min_value=0, max_value=10080, initial=0, label=_("Pause between waves, minutes")
    )
    opens = forms.TimeField(
        required=False,
        label=_("Only from"),
        widget=forms.TimeInput(attrs={"type": "time"}),
        help_text=_(
            "Of the day, in each board's time zone; an undo does not wait for it. Empty: at any time."
        ),
    )
    closes = forms.TimeField(required=False, label=_("Until"), widget=forms.TimeInput(attrs={"type": "time"}))
    hours = forms.IntegerField(
        min_value=1,
        max_value=2160,
        initial=24,
        label=_("Try boards that are away for, hours"),
    )
    board_images = forms.IntegerField(
        min_value=0, max_value=2000, initial=0, label=_("Images to measure on each board")
    )
    replace_others = forms.BooleanField(
        required=False, label=_("Also change boards with models of other datasets")
    )
    override = forms.CharField(
        max_length=500,
        required=False,
        label=_("Reason for an exception"),
        help_text=_("Only if the team's deployment policy refuses the model."),
        validators=[one_line],
    )

    def __init__(self, *args, team, **kwargs):
        self.base_fields = self.base_fields | {"devices": devices_field(team, label=_("Devices"))}
        super().__init__(*args, **kwargs)
        self.team = team
        ready = (
            Model.objects.for_team(team).live().filter(compiled_models__job__status="succeeded").distinct()
        )
        newest = list(ready.order_by("-pk").values_list("pk", flat=True)[:MODELS_SHOWN])
        self.fields["model"].queryset = Model.objects.filter(pk__in=newest).order_by("-pk")
        self.fields["groups"].queryset = Group.objects.for_team(team)
        self.fields["tags"].queryset = DeviceTag.objects.for_team(team)
        for name in ("groups", "tags"):
            if not self.fields[name].queryset.exists():
                del self.fields[name]

    def clean_waves(self):
        groups = planning.groups_of(self.team)
        try:
            parts = [part for part in self.cleaned_data["waves"].split(",") if part.strip()]
            return [planning.parse_wave(part, groups) for part in parts]
        except RolloutError as error:
            raise forms.ValidationError(str(error)) from error

    @property
    def options(self) -> dict:
        """The arguments of ``services.create``. Call it on a valid form."""
        data = dict(self.cleaned_data)
        data["may_fail"] = data.pop("may_fail_percent") / 100
        data["devices"] = planning.devices_of(data["devices"], data.pop("groups", ()), data.pop("tags", ()))
        return data
