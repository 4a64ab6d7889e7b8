"""The form of a new search: data, chip, limits, budget."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core import configs
from portal.core.forms import StyledForm
from portal.core.messages import shown
from portal.core.names import one_line
from portal.datasets.models import DatasetVersion
from portal.fitting import goals
from portal.fitting.goals import MEGABYTE, MINUTES, Goal
from portal.jobs.models import Status
from portal.runs.forms import VERSIONS_SHOWN, VersionField, usable_versions
from portal.runs.plan import PlanError, channel_order

MOST_MS, MOST_MEGACYCLES, MOST_MEGABYTES = 60_000, 100_000, 4096
FIELD_OF = {"limits": None, "chip": "target"}  # of the goal's errors


def targets() -> list[tuple[str, str]]:
    """Every chip with the channel order of its usual board, and those of other boards."""
    found = [(chip, channel_order(chip)) for chip in configs.chips()]
    found += [(board.chip, board.channel_order) for board in configs.boards().values()]
    return list(dict.fromkeys(found))


class FitForm(StyledForm):
    dataset_version = VersionField(queryset=DatasetVersion.objects.none(), label=_("Dataset"))
    target = forms.ChoiceField(label=_("Chip"))
    max_ms = forms.FloatField(
        required=False, min_value=0.01, max_value=MOST_MS, label=_("Time for an image at most, ms")
    )
    max_megacycles = forms.FloatField(
        required=False, min_value=0.001, max_value=MOST_MEGACYCLES, label=_("Cycles at most, million")
    )
    max_megabytes = forms.FloatField(
        required=False,
        min_value=0.01,
        max_value=MOST_MEGABYTES,
        label=_("Memory at most, MB"),
        help_text=_("Of weights and feature maps."),
    )
    min_accuracy = forms.FloatField(
        required=False,
        min_value=0,
        max_value=100,
        label=_("Accuracy at least, %"),
        help_text=_("Of the compiled model, on the validation or test images."),
    )
    minutes = forms.IntegerField(
        min_value=MINUTES[0],
        max_value=MINUTES[1],
        initial=60,
        label=_("Budget, minutes"),
        help_text=_("The search ends when it is spent, with the best it has by then."),
    )
    recipes = forms.MultipleChoiceField(
        required=False,
        label=_("Recipes"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None: all of them."),
    )
    sizes = forms.MultipleChoiceField(
        required=False,
        label=_("Input sizes, pixels"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None: all of them."),
    )
    augmentation = forms.ChoiceField(required=False, label=_("Augmentation"))
    name = forms.CharField(required=False, max_length=120, label=_("Name"), validators=[one_line])

    def __init__(self, *args, team, **kwargs):
        super().__init__(*args, **kwargs)
        books, fields = configs.recipes(), self.fields
        rows = usable_versions(team).filter(job__status=Status.SUCCEEDED)
        fields["dataset_version"].queryset = rows
        offered = rows.defer("counts", "options", "statistics", "diff", "reading")[:VERSIONS_SHOWN]
        label = fields["dataset_version"].label_from_instance
        fields["dataset_version"].choices = [(row.pk, label(row)) for row in offered]
        fields["target"].choices = [
            (f"{chip} {order}", f"{shown(configs.chips()[chip].title)} ({order.upper()})")
            for chip, order in targets()
        ]
        fields["recipes"].choices = [(name, shown(book.title)) for name, book in books.items()]
        sizes = sorted({size for book in books.values() for size in book.input_sizes})
        fields["sizes"].choices = [(f"{width}x{height}", f"{width} × {height}") for width, height in sizes]
        fields["augmentation"].choices = [("", _("As each recipe"))] + [
            (name, shown(book.title)) for name, book in configs.augmentations().items()
        ]

    def goal(self) -> Goal | None:
        """The checked goal of a valid form, or None with its sentences at the fields."""
        data = self.cleaned_data
        chip, _space, order = data["target"].partition(" ")
        try:
            return goals.check(
                data["dataset_version"],
                chip,
                channel_order=order,
                limits=self._limits(data),
                minutes=data["minutes"],
                name=data["name"],
                recipes=data["recipes"],
                sizes=[tuple(map(int, size.split("x"))) for size in data["sizes"]],
                params={"augmentation": data["augmentation"]} if data["augmentation"] else {},
            )
        except PlanError as error:
            self.add_errors({FIELD_OF.get(name, name) or "": text for name, text in error.fields.items()})
            return None

    @staticmethod
    def _limits(data: dict) -> dict:
        scales = {"ms": ("max_ms", 1), "cycles": ("max_megacycles", 1e6)}
        scales |= {"memory": ("max_megabytes", MEGABYTE), "accuracy": ("min_accuracy", 0.01)}
        return {
            name: None if data[field] is None else data[field] * scale
            for name, (field, scale) in scales.items()
        }
