"""The form of a new run: three choices, and everything else with its default."""

from __future__ import annotations

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from portal.core import configs
from portal.core.echoes import shortened
from portal.core.forms import StyledForm
from portal.core.messages import shown
from portal.core.names import one_line, visible
from portal.datasets.forms import ReceivedField, check_upload
from portal.datasets.models import DatasetVersion, Upload
from portal.devices.models import Device
from portal.jobs.models import ACTIVE, Status
from portal.runs import cloning, plan, tags
from portal.runs.graph import Graph
from portal.runs.quality import USUAL_MAX_DROP
from portal.teams.models import Role
from workers.contract.messages import msg

VERSIONS_SHOWN = 100
LABEL_LENGTH = 110  # characters of an option
NUMBERS = {
    # name: (label, what it means)
    "epochs": (_("Epochs"), _("How often training goes through all training images.")),
    "batch_size": (_("Batch size"), _("A smaller batch needs less memory.")),
    "learning_rate": (_("Learning rate"), _("The largest; it is warmed up and then lowered.")),
    "seed": (_("Seed"), _("The same seed and the same data repeat a training.")),
    "calibration_images": (_("Calibration images"), _("Training images that set the int8 scales.")),
    "board_images": (
        _("Images measured on the board"),
        _("Measured images sent to each device as well; 0 for none."),
    ),
}

INSISTED = ("replace_better", "build_anyway")  # what a person wants although Slipway advises against it
# Quality limits: fractions of the metric, entered in percent.
LIMITS = {
    "max_drop": (
        _("Largest allowed drop, points"),
        _("A run whose int8 model or board loses more says that it misses its limits."),
    ),
    "fail_under": (_("Required quality, %"), _("A run whose model scores lower also misses its limits.")),
}


def _usual_limit(team, name: str) -> str:
    """The limit of runs that state none, in percent; a dash if there is none."""
    share = getattr(team, name)
    if share is None and name == "max_drop":
        share = USUAL_MAX_DROP
    return "–" if share is None else f"{100 * share:g}"


def usable_versions(team):
    """Versions that can be trained on, or that are being checked."""
    rows = DatasetVersion.objects.for_team(team).live().select_related("dataset", "job")
    return rows.filter(Q(job__status__in=[*ACTIVE, Status.SUCCEEDED])).order_by("-id")


class VersionSelect(forms.Select):
    """``blocked`` holds the values that cannot be chosen, each with its reason."""

    blocked: dict[str, str] = {}

    def create_option(self, name, value, label, *args, **kwargs):
        option = super().create_option(name, value, label, *args, **kwargs)
        if reason := self.blocked.get(str(value)):
            option["attrs"] |= {"disabled": True, "title": reason}
        return option


class VersionField(forms.ModelChoiceField):
    widget = VersionSelect

    def label_from_instance(self, version):
        if version.is_blocked:
            places = {"version": version, "reason": shown(version.training_refusals[0])}
            return shortened(_("%(version)s – blocked: %(reason)s") % places, LABEL_LENGTH)
        if version.in_review:
            return _("%(version)s (needs review)") % {"version": version}
        if not version.is_ready:
            return _("%(version)s (being checked)") % {"version": version}
        images, classes = version.images, len(version.class_names)
        size = [
            ngettext("%(images)s image", "%(images)s images", images) % {"images": images},
            ngettext("%(classes)s class", "%(classes)s classes", classes) % {"classes": classes},
        ]
        # The run will refer to the data by its hash: equal hash, equal data.
        return f"{version} ({', '.join(size)}) · {version.short_hash}"


class RunForm(StyledForm):
    dataset_version = VersionField(queryset=DatasetVersion.objects.none(), required=False, label=_("Dataset"))
    upload_name = forms.CharField(
        required=False, max_length=120, label=_("Name of the new dataset"), validators=[one_line]
    )
    upload = forms.FileField(
        required=False,
        allow_empty_file=True,
        max_length=255,
        label=_("Archive (zip or tar)"),
        widget=forms.FileInput(attrs={"accept": ".zip,application/zip"}),
    )
    received = ReceivedField()
    preset = forms.ChoiceField(required=False)
    chips = forms.MultipleChoiceField(required=False)
    devices = forms.ModelMultipleChoiceField(queryset=Device.objects.none(), required=False)
    name = forms.CharField(required=False, max_length=120, label=_("Name of the run"), validators=[one_line])
    recipe = forms.ChoiceField(required=False, label=_("Recipe"))
    input_size = forms.ChoiceField(required=False, label=_("Input size, pixels"))
    augmentation = forms.ChoiceField(required=False, label=_("Augmentation"))
    pretrained = forms.ChoiceField(
        required=False,
        choices=[
            ("", _("As the preset")),
            ("yes", _("Use them, where there are any")),
            ("no", _("Do not use them")),
        ],
        label=_("Pretrained weights"),
    )
    replace_better = forms.ChoiceField(
        required=False,
        choices=[("", _("Keep it")), ("yes", _("Replace it"))],
        label=_("If a device runs a better model"),
    )
    build_anyway = forms.ChoiceField(
        required=False,
        choices=[("", _("Refuse it")), ("yes", _("Build it anyway"))],
        label=_("If the model is known not to run on a chip"),
    )

    def __init__(self, *args, team, membership, **kwargs):
        self.team, self.membership = team, membership
        self.base_fields = dict(self.base_fields)
        for name, (label, help_text) in NUMBERS.items():
            kind, least, most = plan.PARAMS[name]
            number = forms.IntegerField if kind is int else forms.FloatField
            self.base_fields[name] = number(
                required=False, min_value=least, max_value=most, label=label, help_text=help_text
            )
        for name, (label, help_text) in LIMITS.items():
            usual = forms.NumberInput(attrs={"placeholder": _usual_limit(team, name)})
            self.base_fields[name] = forms.FloatField(
                required=False, min_value=0, max_value=100, label=label, help_text=help_text, widget=usual
            )
        super().__init__(*args, **kwargs)
        fields = self.fields
        fields["dataset_version"].queryset = usable_versions(team)
        self._offer_versions((self.data if self.is_bound else self.initial).get("dataset_version"))
        fields["received"].queryset = Upload.objects.for_team(team).received()
        fields["devices"].queryset = Device.objects.for_team(team)
        fields["preset"].choices = [("", "")] + [(name, name) for name in configs.presets()]
        fields["chips"].choices = [(name, book.title) for name, book in configs.chips().items()]
        fields["recipe"].choices = [("", _("As the preset"))] + [
            (name, shown(book.title)) for name, book in configs.recipes().items()
        ]
        sizes = sorted({size for book in configs.recipes().values() for size in book.input_sizes})
        fields["input_size"].choices = [("", _("As the preset"))] + [
            (f"{width}x{height}", f"{width} × {height}") for width, height in sizes
        ]
        fields["augmentation"].choices = [("", _("As the preset"))] + [
            (name, shown(book.title)) for name, book in configs.augmentations().items()
        ]

    def _offer_versions(self, chosen) -> None:
        """The newest versions and the chosen one: a long list would make the page slow."""
        field = self.fields["dataset_version"]
        # Without the large columns, which the list does not show.
        rows = field.queryset.defer("counts", "options", "statistics", "diff", "reading")
        offered = list(rows[: VERSIONS_SHOWN + 1])
        if len(offered) > VERSIONS_SHOWN:
            offered.pop()
            words = _("These are the newest; an older one is started from its own page.")
            self["dataset_version"].help_text = words
            chosen = str(getattr(chosen, "pk", chosen))
            if chosen.isdecimal() and len(chosen) < 19 and int(chosen) not in [row.pk for row in offered]:
                offered += rows.filter(pk=int(chosen))
        field.widget.blocked = {
            str(row.pk): shown(row.training_refusals[0]) for row in offered if row.is_blocked
        }
        field.choices = [("", _("Choose…"))] + [(row.pk, field.label_from_instance(row)) for row in offered]

    def chosen_version(self) -> DatasetVersion | None:
        """The chosen version when the page is shown; None for none, or for one of another team."""
        chosen = self["dataset_version"].value()
        chosen = str(getattr(chosen, "pk", chosen))
        is_number = chosen.isdecimal() and len(chosen) < 19
        return self.fields["dataset_version"].queryset.filter(pk=int(chosen)).first() if is_number else None

    def clean_upload(self):
        return check_upload(self.cleaned_data["upload"], self.team)

    def clean(self):
        data = super().clean()
        # However it arrived, from here on it is the upload.
        data["upload"] = data.get("upload") or data.get("received")
        if not data["upload"] and not data.get("dataset_version") and not self.errors:
            self.add_errors({"dataset_version": msg("Choose a dataset, or a zip file to upload.")})
        if data.get("upload") and not data.get("upload_name"):
            data["upload_name"] = str(data["upload"]).rsplit(".", 1)[0][:120] or "Dataset"
        if data.get("devices") and not self.membership.at_least(Role.OPERATOR):
            self.add_errors({"devices": msg("Only operators can deploy to devices: leave them out.")})
        return data

    def make_plan(self) -> plan.Plan | None:
        """The checked plan, or None with its sentences at the fields. Call it on a valid form."""
        data = self.cleaned_data
        params = {key: data[key] for key in (*NUMBERS, "input_size", "augmentation")}
        params |= {name: None if data[name] is None else data[name] / 100 for name in LIMITS}
        params["pretrained"] = {"yes": True, "no": False}.get(data["pretrained"])
        params |= {name: True if data[name] else None for name in INSISTED}
        try:
            return plan.make_plan(
                # The upload is stored only once every other choice is valid; until then, a placeholder stands
                # for it.
                DatasetVersion() if data["upload"] else data["dataset_version"],
                preset=data["preset"],
                recipe=data["recipe"],
                chips=data["chips"],
                devices=list(data["devices"]),
                params={key: value for key, value in params.items() if value not in (None, "")},
                name=data["name"],
            )
        except plan.PlanError as error:
            self.add_errors(error.fields)
            return None


def initial_from(run) -> dict:
    """The initial values that repeat a run; its preset's own parameters stay empty."""
    own, graph = cloning.choices(run), Graph(run)
    params = own["params"]
    if "pretrained" in params:
        params["pretrained"] = "yes" if params["pretrained"] else "no"
    params |= {name: "yes" if params[name] else "" for name in INSISTED if name in params}
    for name in LIMITS:
        if params.get(name) is not None:
            params[name] = round(100 * params[name], 6)
    if "input_size" in params:
        params["input_size"] = "{}x{}".format(*params["input_size"])
    return {
        "name": run.name,
        "dataset_version": run.dataset_version_id,
        "preset": own["preset"],
        "recipe": own["recipe"],
        "chips": graph.chips,
        "devices": [device.pk for device in graph.devices],
        **params,
    }


NOTES_LENGTH = 10_000


class RunEditForm(StyledForm):
    """The fields of a run that can be edited at any time; its plan never changes."""

    name = forms.CharField(max_length=120, label=_("Name of the run"), validators=[one_line])
    tags = forms.CharField(
        required=False,
        max_length=1000,
        label=_("Tags"),
        help_text=_("Words to find it by, with commas between them."),
    )
    notes = forms.CharField(
        required=False,
        max_length=NOTES_LENGTH,
        validators=[visible],
        label=_("Notes"),
        help_text=_("Plain text: what this run was to show, and what it did."),
        widget=forms.Textarea(attrs={"rows": 6}),
    )

    def clean_tags(self):
        return tags.split(self.cleaned_data["tags"])

    def clean_notes(self):
        return self.cleaned_data["notes"].replace("\r\n", "\n")


class ThresholdForm(StyledForm):
    """The display threshold of a detector's boxes."""

    percent = forms.IntegerField(required=False, min_value=0, max_value=100)
