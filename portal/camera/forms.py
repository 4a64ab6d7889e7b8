"""Forms of captured images."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.camera.capture import LONGEST_EVERY_MS, MOST_IMAGES
from portal.core.forms import StyledForm
from portal.core.messages import lazy_shown
from portal.core.names import one_line
from portal.datasets.forms import ClassNamesField
from portal.datasets.models import Dataset
from portal.devices.models import Device
from workers.datakit.names import MAX_CLASS_NAME
from workers.datakit.tasks import TASKS

DATASETS_LISTED = 200


class BeginForm(StyledForm):
    """Which dataset the images are for."""

    dataset = forms.CharField(
        max_length=120,
        validators=[one_line],
        label=_("Name of the dataset"),
        help_text=_("An existing one gets a new version with the images added."),
        widget=forms.TextInput(attrs={"list": "datasets", "autocomplete": "off"}),
    )
    task = forms.ChoiceField(
        choices=[(name, lazy_shown(task.labels)) for name, task in TASKS.items()],
        label=_("A new dataset is for"),
        widget=forms.RadioSelect,
        initial="classification",
        required=False,
    )

    def __init__(self, *args, team, **kwargs):
        super().__init__(*args, **kwargs)
        rows = Dataset.objects.for_team(team).live().order_by("-id")
        self.datasets = rows.values_list("name", flat=True)[:DATASETS_LISTED]


class CaptureForm(StyledForm):
    """Images that a device takes by itself."""

    device = forms.ModelChoiceField(queryset=Device.objects.none(), label=_("Device"), empty_label=None)
    class_name = forms.CharField(
        required=False, max_length=MAX_CLASS_NAME, label=_("Class"), widget=forms.HiddenInput
    )
    count = forms.IntegerField(label=_("Images"), min_value=1, max_value=MOST_IMAGES, initial=50)
    every_ms = forms.IntegerField(
        label=_("Interval, ms"),
        min_value=0,
        max_value=LONGEST_EVERY_MS,
        initial=500,
    )

    def __init__(self, *args, team, has_classes: bool, **kwargs):
        super().__init__(*args, auto_id="capture_%s", **kwargs)
        self.fields["device"].queryset = Device.objects.for_team(team)
        if has_classes:
            self.fields["class_name"].widget = forms.TextInput(
                attrs={"list": "classes", "class": "form-control", "autocomplete": "off"}
            )


class CommitForm(StyledForm):
    classes = ClassNamesField(
        required=False,
        label=_("Classes of the new dataset"),
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One a line."),
    )
