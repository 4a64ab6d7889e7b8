"""Forms for reviewing and editing images: filters and changes."""

from __future__ import annotations

import functools
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from portal.core.forms import StyledForm
from portal.core.messages import shown
from portal.core.names import one_line
from portal.core.numbers import whole_number
from portal.datasets import proposals
from portal.datasets.change_checks import DRAWINGS
from portal.datasets.draft_models import Draft
from portal.datasets.models import DatasetVersion
from workers.datakit.changes import as_images
from workers.datakit.index import Filter, Index

SPLITS = [("", _("all")), ("train", _("training")), ("val", _("validation")), ("test", _("test"))]
STATES = [("", _("all")), ("unlabelled", _("without a label")), ("proposed", _("proposed by a model"))]
MOVES = {"to-train": "train", "to-val": "val", "to-test": "test"}
# Payload key of the checks → the form field it came from.
FIELDS = {
    "images": "image", "val_fraction": "val_percent", "test_fraction": "test_percent",
    "from": "from_class", "split": None,
}  # fmt: skip
LONGEST = 200
LONGEST_IDS = 4000  # characters: some hundred images


class FilterForm(StyledForm):
    """Selects images. An invalid field gets an error and does not filter."""

    class_id = forms.TypedChoiceField(required=False, coerce=int, empty_value=None, label=_("Class"))
    mark = forms.ChoiceField(required=False, label=_("Finding"))
    split = forms.ChoiceField(required=False, choices=SPLITS, label=_("Split"))
    state = forms.ChoiceField(required=False, choices=STATES, label=_("Labels"))
    text = forms.CharField(required=False, max_length=LONGEST, label=_("Part of the path"))
    # Images chosen by another page, such as a model's mistakes; they replace the other fields.
    ids = forms.CharField(required=False, max_length=LONGEST_IDS, widget=forms.HiddenInput)

    def __init__(self, data, version: DatasetVersion, index: Index, draft: Draft | None = None):
        self._draft, self._index = draft, index
        super().__init__({name: data.get(name, "") for name in self.base_fields}, auto_id="filter_%s")
        counts = [row["total"] for row in version.counts]
        named = enumerate(zip(index.class_names, counts, strict=True))
        self.fields["class_id"].choices = [("", _("all")), *((n, f"{name} ({c})") for n, (name, c) in named)]
        marks = index.marks()
        sentences = {finding["code"]: finding["message"] for finding in version.findings}
        listed = [
            (code, f"{shown(sentences.get(code, code))[:70]} ({count})") for code, count in marks.items()
        ]
        self.fields["mark"].choices = [("", _("all")), *listed]
        self.is_valid()

    def clean_ids(self) -> tuple[int, ...]:
        numbers = [whole_number(text) for text in self.cleaned_data["ids"].split(",") if text]
        if None in numbers:
            raise forms.ValidationError(_("Give numbers of images with commas between them."))
        return tuple(numbers)

    @functools.cached_property
    def wanted(self) -> Filter:
        """The images to show. Those with proposed labels are listed by id: there are few."""
        if self.cleaned_data.get("ids"):
            return Filter(ids=self.cleaned_data["ids"])
        if self.cleaned_data.get("state") != "proposed":
            return self._sides
        waiting = set(proposals.waiting(self._draft, self._index))
        return Filter(ids=tuple(image for image in self._index.ids(self._sides) if image in waiting))

    @property
    def _sides(self) -> Filter:
        data = self.cleaned_data
        return Filter(
            class_id=data.get("class_id"),
            split=data.get("split") or None,
            mark=data.get("mark") or None,
            text=data.get("text") or "",
            unlabelled=data.get("state") == "unlabelled",
        )

    @property
    def query(self) -> str:
        """The filter as query parameters."""
        found = QueryDict(mutable=True)
        if self.cleaned_data.get("ids"):
            found["ids"] = ",".join(map(str, self.cleaned_data["ids"]))
            return found.urlencode(safe=",")
        given = {name: self.cleaned_data.get(name) for name in self.base_fields if name != "ids"}
        found.update({name: str(value) for name, value in given.items() if value not in (None, "")})
        return found.urlencode()

    @property
    def is_open(self) -> bool:
        return bool(self.query)


class IdsField(forms.Field):
    """Check boxes that share a name: a list of ids."""

    widget = forms.SelectMultiple

    def to_python(self, value):
        found = [int(one) for one in value or [] if one.isascii() and one.isdigit() and len(one) < 10]
        return sorted(set(found))


def number(**options):
    return forms.IntegerField(required=False, **options)


class ChangeForm(StyledForm):
    """One change, from the buttons and fields of the pages."""

    act = forms.CharField(max_length=20)
    image = IdsField(required=False)
    scope = forms.ChoiceField(required=False, choices=[("chosen", ""), ("all", "")])
    class_id = number()
    from_class = number()
    into = number()
    name = forms.CharField(required=False, max_length=LONGEST, validators=[one_line])
    box = number()
    left, top, width, height = (forms.FloatField(required=False) for _side in range(4))
    how = forms.ChoiceField(required=False, choices=[(how, "") for how in DRAWINGS])
    seed = number(min_value=0, max_value=2**31 - 1)
    val_percent = number(min_value=5, max_value=50)
    test_percent = number(min_value=0, max_value=50)
    pattern = forms.CharField(required=False, max_length=LONGEST)

    def change(self, wanted: Filter) -> tuple[str, dict[str, Any]]:
        """Kind and payload; ``wanted`` is the filter behind "all displayed"."""
        data = self.cleaned_data
        act = data["act"]
        payload: dict[str, Any] = {"class_id": data["class_id"], "into": data["into"], "name": data["name"]}
        payload["images"] = as_images(wanted) if data["scope"] == "all" else {"ids": data["image"]}
        payload |= {"from": data["from_class"], "box": data["box"], "split": MOVES.get(act)}
        payload["image"] = data["image"][0] if data["image"] else None
        payload |= {"how": data["how"] or "stratified", "seed": data["seed"] or 0}
        payload |= {"val_fraction": (data["val_percent"] or 20) / 100, "pattern": data["pattern"]}
        payload["test_fraction"] = (data["test_percent"] or 0) / 100
        return ("split" if act in MOVES else act), payload

    def drawn(self) -> tuple[int, list[float | None]]:
        """An image, and a box to add to it, as arguments of the checks."""
        data = self.cleaned_data
        box = [data[name] for name in ("class_id", "left", "top", "width", "height")]
        return (data["image"][0] if data["image"] else 0), box

    def chosen(self) -> set[int]:
        """The ids that were sent, so that an invalid form keeps the selection."""
        return set(self.fields["image"].to_python(self.data.getlist("image")))

    def refuse(self, field: str, sentence: str) -> None:
        """Add a sentence of the checks to the field it is about."""
        self.add_errors({FIELDS.get(field, field): sentence})
