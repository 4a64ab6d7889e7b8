"""Forms for new versions: upload and import."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.forms import StyledForm
from portal.core.messages import lazy_shown
from portal.core.names import one_line
from portal.datasets import imports, services, upload_limits
from portal.datasets.models import Upload
from portal.datasets.refusals import UploadRefused
from workers.contract.messages import msg
from workers.datakit.errors import InputError
from workers.datakit.grouping import MAX_PATTERN
from workers.datakit.options import ADD, GIVEN, GROUP, STRATIFIED, check_split
from workers.datakit.readers import LAYOUTS
from workers.datakit.split import MAX_FRACTION, MIN_FRACTION

MAX_CLASSES = 100_000
MORE = (
    "mode",
    "split",
    "split_group",
    "val_percent",
    "test_percent",
    "seed",
    "class_count",
    "class_names",
    "layout",
    "fresh",
)


class ClassNamesField(forms.CharField):
    """One class name per line; a list, or None if empty."""

    widget = forms.Textarea

    def __init__(self, **kwargs):
        super().__init__(max_length=500_000, **kwargs)

    def clean(self, value):
        names = [line.strip() for line in super().clean(value).splitlines() if line.strip()]
        for name in names:
            one_line(name)
        return names or None


def check_upload(upload, team):
    """Reject what the server would not store; a job checks the archive itself."""
    if upload:
        try:
            upload_limits.check_size(team, upload.name, upload.size)
        except UploadRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
    return upload


class ReceivedField(forms.ModelChoiceField):
    """A file received by a resumable upload before the form is sent; the page's script fills it in."""

    widget = forms.HiddenInput
    default_error_messages = {"invalid_choice": _("The uploaded file is no longer there: choose it again.")}

    def __init__(self, **kwargs):
        super().__init__(queryset=Upload.objects.none(), required=False, **kwargs)


class RenameForm(StyledForm):
    name = forms.CharField(max_length=120, label=_("Name of the dataset"), validators=[one_line])


class SplitForm(StyledForm):
    """Options for classes and the split."""

    class_count = forms.IntegerField(
        required=False,
        min_value=2,
        max_value=MAX_CLASSES,
        label=_("Number of classes"),
        help_text=_("Counted from the upload. Fill it in only to have it checked."),
    )
    class_names = ClassNamesField(
        required=False,
        label=_("Class names"),
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Read from the upload. To use other names, write one a line, in the order of the ids."),
    )
    val_percent = forms.IntegerField(
        required=False,
        min_value=int(MIN_FRACTION * 100),
        max_value=int(MAX_FRACTION * 100),
        label=_("Images kept for validation, %"),
        widget=forms.NumberInput(attrs={"placeholder": "20"}),
        help_text=_("The same share of each class. Not used when the upload has a validation split."),
    )
    test_percent = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=int(MAX_FRACTION * 100),
        label=_("Images kept for the test, %"),
        widget=forms.NumberInput(attrs={"placeholder": "0"}),
        help_text=_(
            "Validation picks the best epoch, so its figures are a little optimistic. A test split serves "
            "nothing but the final figures; 10 is usual where there are enough images. If the upload's own "
            "split has no test images, they are drawn from its training images."
        ),
    )
    split = forms.ChoiceField(
        required=False,
        choices=[
            ("", _("Use the upload's split, or a random one")),
            (GIVEN, _("Use the upload's split")),
            (STRATIFIED, _("Drawn, a share of each class")),
            (GROUP, _("Drawn, groups stay together")),
        ],
        label=_("Training, validation and test"),
        help_text=_(
            "Drawn where the upload does not say it. Frames of one video belong together: a model that was "
            "trained on one knows the others."
        ),
    )
    split_group = forms.CharField(
        required=False,
        max_length=MAX_PATTERN,
        label=_("Pattern of the groups"),
        widget=forms.TextInput(attrs={"placeholder": r"^(.+)_\d+\.jpg$", "spellcheck": "false"}),
        help_text=_(
            "A regular expression. What its first brackets match in a file's path is the file's group: with "
            "the one shown, line3_0001.jpg and line3_0002.jpg belong to the group line3."
        ),
    )
    seed = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=2**31 - 1,
        label=_("Seed"),
        widget=forms.NumberInput(attrs={"placeholder": "0"}),
        help_text=_("The same images and the same seed are split in the same way."),
    )

    def clean(self):
        data = super().clean()
        try:
            check_split(data.get("split"), data.get("split_group"))
        except InputError as error:
            self.add_errors({"split_group": str(error)})
        return data

    def options(self) -> dict:
        """Options for ``create_version``: only the fields that were filled in."""
        data = self.cleaned_data
        found = {name: data[name] for name in ("class_count", "class_names")}
        found |= {name: data[name] or None for name in ("split", "split_group", "seed")}
        for name in ("val", "test"):
            if data[f"{name}_percent"]:
                found[f"{name}_fraction"] = data[f"{name}_percent"] / 100
        return {key: value for key, value in found.items() if value is not None}


class VersionForm(SplitForm):
    """Options for a new version, wherever its files come from."""

    name = forms.CharField(
        max_length=120,
        validators=[one_line],
        label=_("Name of the dataset"),
        help_text=_("With the name of an existing dataset, this becomes its next version."),
    )
    mode = forms.ChoiceField(
        required=False,
        choices=[
            ("", _("Replace all images")),
            (ADD, _("Add them to the newest version")),
        ],
        label=_("The images, in a dataset that is there"),
        help_text=_("Images that are added leave the others' labels and their split as they are."),
    )
    fresh = forms.BooleanField(
        required=False, label=_("Detect the format again, whatever was confirmed for earlier versions")
    )
    layout = forms.ChoiceField(
        required=False,
        choices=[("", _("Detected from the files"))]
        + [(key, lazy_shown(f.name)) for key, f in LAYOUTS.items()],
        label=_("Dataset format"),
        help_text=_("Choose one only if the upload can be read in more than one way."),
    )

    @property
    def more(self) -> list[forms.BoundField]:
        """The collapsed part of the form: all its fields have defaults."""
        return [self[name] for name in MORE]

    @property
    def more_open(self) -> bool:
        return any(field.errors or field.value() for field in self.more)

    def __init__(self, *args, team, **kwargs):
        super().__init__(*args, **kwargs)
        self.team = team

    def clean(self):
        data = super().clean()
        if data.get("mode") == ADD and data.get("name"):
            try:
                services.check_addable(self.team, data["name"])
            except InputError as error:
                self.add_errors({"mode": str(error)})
        return data

    def options(self) -> dict:
        """Options for ``create_version``. The person then reviews how the files were read before they are
        used.
        """
        data = self.cleaned_data
        found = {name: data[name] for name in ("layout", "mode", "fresh") if data[name]}
        return {**super().options(), **found, "review": True}


class UploadForm(VersionForm):
    file = forms.FileField(
        label=_("Archive (zip or tar)"),
        required=False,  # or ``received``
        allow_empty_file=True,  # the check of the archive reports problems
        max_length=255,
        widget=forms.FileInput(attrs={"accept": ".zip,.tar,.gz,.tgz,.xz,.zst,application/zip"}),
    )
    received = ReceivedField()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["received"].queryset = Upload.objects.for_team(self.team).received()

    def clean_file(self):
        return check_upload(self.cleaned_data["file"], self.team)

    def clean(self):
        data = super().clean()
        if not data.get("file") and not data.get("received") and not self.errors:
            self.add_errors({"file": msg("Choose the archive to upload.")})
        return data


class ImportForm(VersionForm):
    source = forms.ChoiceField(label=_("Place"))
    path = forms.CharField(
        required=False,
        max_length=imports.LONGEST_PATH,
        label=_("Folder or archive there"),
        help_text=_("Such as parts/2026. Empty for everything at this place."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["source"].choices = [
            (place.name, f"{place.name} ({place.kind_label})") for place in imports.places()
        ]

    def clean_path(self):
        try:
            return imports.clean_path(self.cleaned_data["path"])
        except InputError as error:
            raise forms.ValidationError(str(error)) from error
