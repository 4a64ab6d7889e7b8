"""The forms that choose the model and map its classes to the dataset's."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.forms import StyledForm
from portal.models.models import Model
from portal.prelabelling.services import Matched
from workers.datakit.changes import Plan

MODELS_LISTED = 100
LEAST_SCORE, MOST_SCORE = 0.05, 0.99
SKIP = "skip"


class ModelForm(StyledForm):
    """The first step: choose the model."""

    model = forms.ModelChoiceField(queryset=Model.objects.none(), label=_("Model"), empty_label=None)

    def __init__(self, *args, models, **kwargs):
        super().__init__(*args, **kwargs)
        newest = list(models.values_list("pk", flat=True)[:MODELS_LISTED])
        self.fields["model"].queryset = models.filter(pk__in=newest)
        self.fields["model"].label_from_instance = lambda model: f"{model.name} ({model.dataset_version})"


class ClassesForm(StyledForm):
    """The second step: a field for each class of the model whose name the dataset lacks."""

    score = forms.FloatField(
        label=_("Lowest score"),
        min_value=LEAST_SCORE,
        max_value=MOST_SCORE,
        help_text=_("Labels with a lower score are not proposed: the higher it is, the fewer and the surer."),
        widget=forms.NumberInput(attrs={"step": "0.01"}),
    )

    def __init__(self, *args, matched: list[Matched], plan: Plan, **kwargs):
        self.unclear = [one.name for one in matched if one.class_id is None]
        super().__init__(*args, **kwargs)
        classes = [(str(number), name) for number, name in enumerate(plan.names) if name is not None]
        for number, name in enumerate(self.unclear):
            field = forms.ChoiceField(
                label=name, choices=[("", _("choose …")), (SKIP, _("leave it out")), *classes]
            )
            field.widget.attrs["class"] = "form-select"
            self.fields[f"class_{number}"] = field

    @property
    def class_fields(self):
        return [self[f"class_{number}"] for number in range(len(self.unclear))]

    def classes(self) -> dict[str, int | None]:
        """The choices, by the model's class name."""
        chosen = {name: self.cleaned_data[f"class_{number}"] for number, name in enumerate(self.unclear)}
        return {name: None if value == SKIP else int(value) for name, value in chosen.items()}
