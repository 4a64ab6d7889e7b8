"""The form that compiles a model file: data, labels, how it takes pixels, chips, devices."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from portal.core import configs
from portal.core.forms import StyledForm
from portal.core.messages import shown
from portal.core.names import one_line
from portal.datasets.forms import ClassNamesField
from portal.datasets.models import DatasetVersion
from portal.devices.models import Device
from portal.jobs.models import Status
from portal.models.model_files import ModelFile
from portal.runs import importing
from portal.runs.forms import VERSIONS_SHOWN, VersionField, usable_versions
from portal.runs.plan import Plan, PlanError
from portal.teams.models import Role
from workers.contract.messages import msg

OWN = "own"
SCALES = [
    ("imagenet", _("ImageNet mean and standard deviation (PyTorch, Paddle)")),
    ("unit", _("From 0 to 1: pixels divided by 255")),
    ("symmetric", _("From −1 to 1: pixels divided by 127.5, minus 1 (many TensorFlow models)")),
    ("bytes", _("From 0 to 255: pixels as they are")),
    (OWN, _("Other: mean and standard deviation below")),
]
ORDERS = [("rgb", _("RGB (usual)")), ("bgr", _("BGR (models trained with OpenCV images, Caffe)"))]


class ThreeField(forms.CharField):
    """Three numbers with blanks or commas between them."""

    def __init__(self, **kwargs):
        super().__init__(required=False, max_length=100, **kwargs)

    def clean(self, value):
        words = super().clean(value).replace(",", " ").split()
        try:
            return [float(word) for word in words] or None
        except ValueError:
            raise forms.ValidationError(_("Give three numbers, such as 0.5 0.5 0.5.")) from None


class ImportForm(StyledForm):
    dataset_version = VersionField(
        queryset=DatasetVersion.objects.none(),
        label=_("Dataset"),
        help_text=_(
            "Its training images calibrate the int8 model, and its validation or test images measure it "
            "where its classes have the names of the labels."
        ),
    )
    labels = ClassNamesField(
        required=False,
        label=_("Labels"),
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text=_("One a line, in the order of the network's outputs. Empty: the dataset's classes."),
    )
    scale = forms.ChoiceField(choices=SCALES, initial="imagenet", label=_("Pixels that the network expects"))
    mean = ThreeField(label=_("Mean"), help_text=_("Of pixels from 0 to 1, such as 0.485 0.456 0.406."))
    std = ThreeField(label=_("Standard deviation"), help_text=_("Of pixels from 0 to 1."))
    output = forms.ChoiceField(
        label=_("Output with the scores"),
        help_text=_(
            "The network has several outputs that may be the scores of classes; the others are cut off."
        ),
    )
    model_order = forms.ChoiceField(choices=ORDERS, initial="rgb", label=_("Channel order of the network"))
    width = forms.IntegerField(required=False, min_value=8, max_value=2048, label=_("Input width"))
    height = forms.IntegerField(required=False, min_value=8, max_value=2048, label=_("Input height"))
    chips = forms.MultipleChoiceField(required=False, label=_("Chips"), widget=forms.CheckboxSelectMultiple)
    devices = forms.ModelMultipleChoiceField(
        required=False,
        queryset=Device.objects.none(),
        label=_("Devices"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("The model is deployed to them if its figures allow it."),
    )
    calibration_images = forms.IntegerField(
        required=False, min_value=1, max_value=1000, label=_("Calibration images"),
        widget=forms.NumberInput(attrs={"placeholder": 100}),
    )  # fmt: skip
    name = forms.CharField(required=False, max_length=120, label=_("Name of the run"), validators=[one_line])

    def __init__(self, *args, file: ModelFile, team, membership, **kwargs):
        super().__init__(*args, **kwargs)
        self.file, self.membership = file, membership
        fields = self.fields
        rows = usable_versions(team).filter(job__status=Status.SUCCEEDED, task=file.facts["task"])
        fields["dataset_version"].queryset = rows
        offered = rows.defer("counts", "options", "statistics", "diff", "reading")[:VERSIONS_SHOWN]
        label = fields["dataset_version"].label_from_instance
        fields["dataset_version"].choices = [("", _("Choose…"))] + [(row.pk, label(row)) for row in offered]
        fields["devices"].queryset = Device.objects.for_team(team)
        fields["chips"].choices = [(name, shown(book.title)) for name, book in configs.chips().items()]
        if not file.facts["is_free"]:
            del fields["width"], fields["height"]
        fields["output"].choices = [(name, _scores(name, count)) for name, count in file.choices.items()]
        if not file.choices:
            del fields["output"]

    def clean_devices(self):
        devices = self.cleaned_data["devices"]
        if devices and not self.membership.at_least(Role.OPERATOR):
            raise forms.ValidationError(_("Only operators can deploy to devices: leave them out."))
        return devices

    def clean(self):
        data = super().clean()
        if bool(data.get("width")) != bool(data.get("height")) and not {"width", "height"} & {*self.errors}:
            self.add_errors({"width": msg("Give both width and height, or neither.")})
        if data.get("scale") == OWN and not (data.get("mean") and data.get("std")) and not self.errors:
            self.add_errors(
                {"mean": msg("Give mean and standard deviation, or choose one of the scales above.")}
            )
        return data

    def make_plan(self) -> Plan | None:
        """The checked plan, or None with its sentences at the fields. Call it on a valid form."""
        data = self.cleaned_data
        mean, std = importing.SCALES.get(data["scale"]) or (data["mean"], data["std"])
        size = [data.get("width"), data.get("height")]
        try:
            return importing.make_plan(
                self.file,
                data["dataset_version"],
                labels=data["labels"],
                input_size=size if all(size) else None,
                mean=mean,
                std=std,
                model_order=data["model_order"],
                output=data.get("output", ""),
                chips=data["chips"],
                devices=list(data["devices"]),
                params={"calibration_images": data["calibration_images"]},
                name=data["name"],
            )
        except PlanError as error:
            places = {"input_size": "width", "model_file": ""}
            known = {places.get(name, name): text for name, text in error.fields.items()}
            self.add_errors({name if name in self.fields else "": text for name, text in known.items()})
            return None


def _scores(name: str, count: int) -> str:
    title = ngettext("{name}: {count} class", "{name}: {count} classes", count)
    return title.format(name=name, count=count)


def initial_from(run, graph) -> dict:
    """The choices that repeat a run of the same file."""
    params, model = run.params, graph.model
    scale = next(
        (name for name, pair in importing.SCALES.items() if list(pair) == [params["mean"], params["std"]]),
        OWN,
    )
    return {
        "dataset_version": run.dataset_version_id,
        "labels": "\n".join(model.class_names),
        "scale": scale,
        "mean": " ".join(f"{value:g}" for value in params["mean"]),
        "std": " ".join(f"{value:g}" for value in params["std"]),
        "model_order": params["model_order"],
        "output": params.get("output", ""),
        "width": params["input_size"][0],
        "height": params["input_size"][1],
        "chips": graph.chips,
        "devices": [device.pk for device in graph.devices],
        "calibration_images": params["calibration_images"],
        "name": run.name,
    }
