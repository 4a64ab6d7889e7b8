"""The form on a preview: read the upload in another way."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.forms import StyledForm
from portal.core.messages import lazy_shown
from portal.core.names import one_line
from portal.datasets import reading_options
from portal.datasets.forms import ClassNamesField, SplitForm
from portal.datasets.models import DatasetVersion
from workers.datakit.readers import LAYOUTS

COLUMN = 200  # characters of a column title
ENTRIES = 1_000
ROLES_SHOWN = 100
ROLE_TITLES = {
    "class": _("a class"),
    "train": _("images for training"),
    "val": _("images for validation"),
    "test": _("images for testing"),
    "part": _("a part of the set"),
    "images": _("images"),
    "masks": _("masks"),
    "ignored": _("left out"),
    "unlabelled": _("images without a label"),
}


def by_path(roles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Folders in tree order: each below its parent."""
    return sorted(roles, key=lambda row: row["folder"].split("/"))


class LinesField(forms.CharField):
    """One entry per line."""

    widget = forms.Textarea

    def __init__(self, **kwargs):
        super().__init__(required=False, max_length=100_000, **kwargs)
        self.widget.attrs["rows"] = 2

    def prepare_value(self, value):
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def clean(self, value):
        lines = reading_options.lines_of(super().clean(value))
        if len(lines) > ENTRIES:
            raise forms.ValidationError(
                _("At most %(most)d lines can be read here.") % {"most": ENTRIES}, code="most"
            )
        for line in lines:
            one_line(line)
        return lines

    def has_changed(self, initial, data):
        return (initial or []) != reading_options.lines_of(data or "")


def _column(label, help_text="") -> forms.CharField:
    """A column; the page lists the titles of the table that was found."""
    return forms.CharField(
        required=False,
        max_length=COLUMN,
        validators=[one_line],
        label=label,
        help_text=help_text,
        widget=forms.TextInput(attrs={"list": "columns", "autocomplete": "off"}),
    )


class LabellingForm(StyledForm):
    """Read images without labels, which are labelled here: with boxes, or with a class each."""

    format = forms.ChoiceField(choices=[(name, "") for name in ("unlabelled", "unsorted")])
    class_names = ClassNamesField(
        label=_("Names of the classes, one a line"),
        widget=forms.Textarea(attrs={"rows": 3, "id": "labelling_class_names"}),
    )

    def changes(self, version: DatasetVersion) -> dict[str, Any]:
        """Arguments of ``reviews.reread``; folders to leave out stay left out."""
        said = version.options.get("reading", {})
        kept = {"ignore": said["ignore"]} if "ignore" in said else {}
        reading = {**kept, "as": self.cleaned_data["format"]}
        return {"layout": None, "class_names": self.cleaned_data["class_names"], "reading": reading}


class ReadingForm(SplitForm):
    """How to read the files of a version this time, with a choice for each top-level folder."""

    format = forms.ChoiceField(
        required=False,
        choices=[("", _("Detected from the files"))]
        + [(key, lazy_shown(one.name)) for key, one in LAYOUTS.items()],
        label=_("Format"),
    )
    label_column = _column(
        _("Label column"), _("The column of the table that holds the class: its title, or its number from 1.")
    )
    image_column = _column(_("Image column"), _("The column that names the image."))
    split_column = _column(
        _("Split column"), _("The column that says training, validation or test, if there is one.")
    )
    one_hot = LinesField(
        label=_("Columns that are a class each"),
        help_text=_("For tables with a column for each class that holds 0 or 1: one title a line."),
    )
    ids_from = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", _("Detected from the files")), ("0", "0"), ("1", "1")],
        label=_("The first class id is"),
    )
    ignore = LinesField(
        label=_("Leave out"),
        help_text=_(
            "Folders and files that are not part of the set, one a line; * stands for any characters."
        ),
    )

    def __init__(self, *args, version: DatasetVersion, **kwargs):
        self.said: dict[str, Any] = version.options.get("reading", {})
        self.chosen: dict[str, Any] = (version.reading or {}).get("chosen") or {}
        super().__init__(*args, initial=self._initial(version), **kwargs)
        for name, folder in self._folders():
            self.fields[name] = forms.ChoiceField(
                required=False, choices=list(ROLE_TITLES.items()), label=folder["folder"]
            )

    def _initial(self, version: DatasetVersion) -> dict[str, Any]:
        """How it is read now, with its split options."""
        initial = {name: version.options.get(name) for name in self.base_fields}
        for split in ("val", "test"):
            if f"{split}_fraction" in version.options:
                initial[f"{split}_percent"] = round(100 * version.options[f"{split}_fraction"])
        now = {**self.chosen.get("options", {}), **self.said}
        initial |= {name: now[name] for name in reading_options.NAMES if name in now}
        initial["ids_from"] = str(now.get("ids_from", ""))
        initial["class_names"] = "\n".join(version.options.get("class_names", []))
        initial["format"] = now.get("as") or version.options.get("layout") or self.chosen.get("format", "")
        for name, folder in self._folders():
            said = self.said.get("roles", {}).get(folder["folder"])
            initial[name] = said or folder["role"]
        return initial

    def _folders(self) -> list[tuple[str, dict[str, Any]]]:
        """A field name for each top-level folder, as many as a page can show."""
        roles = by_path(self.chosen.get("roles", []))[:ROLES_SHOWN]
        return [(f"role_{number}", folder) for number, folder in enumerate(roles)]

    @property
    def folders(self) -> list[tuple[dict[str, Any], forms.BoundField, str]]:
        """The top-level folders, each with the name and value of its role field.

        The page renders the fields itself: a hundred widgets of ten options take half a second.
        """
        return [(folder, self[name], self[name].value()) for name, folder in self._folders()]

    @property
    def role_titles(self) -> list[tuple[str, str]]:
        return [(role, str(title)) for role, title in ROLE_TITLES.items()]

    @property
    def columns(self) -> list[str]:
        return self.chosen.get("columns", [])

    @property
    def table(self) -> list[forms.BoundField]:
        return [
            self[name] for name in ("label_column", "image_column", "split_column", "one_hot", "ids_from")
        ]

    @property
    def table_open(self) -> bool:
        return any(bound.errors or bound.value() for bound in self.table)

    @property
    def split_open(self) -> bool:
        return any(bound.errors or bound.value() for bound in self.split_fields)

    @property
    def split_fields(self) -> list[forms.BoundField]:
        names = ("split", "split_group", "val_percent", "test_percent", "seed", "class_count", "class_names")
        return [self[name] for name in names]

    def changes(self) -> dict[str, Any]:
        """Arguments of ``reviews.reread``: the earlier options and the new ones, without those that the
        check detected.
        """
        data, changed = self.cleaned_data, set(self.changed_data)
        reading = {
            name: data[name]
            for name in reading_options.NAMES
            if name in data and (name in changed or name in self.said)
        }
        if "format" in changed or "as" in self.said:
            reading["as"] = data["format"]
        roles = dict(self.said.get("roles", {}))
        roles |= {folder["folder"]: data[name] for name, folder in self._folders() if name in changed}
        emptied = dict.fromkeys(
            ("split", "split_group", "seed", "class_count", "class_names", "val_fraction", "test_fraction")
        )
        reading = reading_options.given({**reading, "roles": roles})
        return {**emptied, **self.options(), "layout": None, "reading": reading}
