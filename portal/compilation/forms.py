"""Forms of the variants page: a new variant, and a search within a limit."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.compilation.quantization import (
    ALGORITHM_WORDS,
    CHOICE_WORDS,
    DEFAULTS,
    IMAGES_AT_MOST,
    METHOD_WORDS,
    Settings,
)
from portal.core import configs
from portal.core.forms import StyledForm
from portal.core.messages import lazy_shown, shown
from workers.contract.quantization import FLOAT_DTYPE

Target = tuple[str, str]


def _choices(words: dict) -> list[tuple]:
    return [(name, lazy_shown(text)) for name, text in words.items()]


class TargetForm(StyledForm):
    """Chooses a target that the model was compiled for before; ``compiled`` is the query of those models."""

    target = forms.ChoiceField(label=_("Chip"))

    def __init__(self, *args, compiled, **kwargs):
        super().__init__(*args, **kwargs)
        known = compiled.order_by("chip").values_list("chip", "channel_order").distinct()
        self.fields["target"].choices = [
            (f"{chip} {order}", f"{shown(configs.title(configs.chips(), chip))} ({order.upper()})")
            for chip, order in known
        ]

    @property
    def chosen_target(self) -> Target:
        chip, _space, order = self.cleaned_data["target"].partition(" ")
        return chip, order


class VariantForm(TargetForm):
    dtype = forms.ChoiceField(
        required=False,
        choices=[("", "int8"), (FLOAT_DTYPE, _("float 16"))],
        label=_("Weights and activations"),
    )
    algorithm = forms.ChoiceField(choices=_choices(ALGORITHM_WORDS), label=_("Algorithm"))
    method = forms.ChoiceField(choices=_choices(METHOD_WORDS), label=_("Weight scales"))
    calibration_images = forms.IntegerField(
        min_value=1,
        max_value=IMAGES_AT_MOST,
        initial=DEFAULTS["calibration_images"],
        label=_("Calibration images"),
    )
    choice = forms.ChoiceField(choices=_choices(CHOICE_WORDS), label=_("Selection of images"))
    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1, initial=DEFAULTS["seed"], label=_("Seed"))

    @property
    def settings(self) -> Settings:
        chosen = {name: self.cleaned_data[name] for name in DEFAULTS if name in self.cleaned_data}
        return chosen | {"dtype": chosen["dtype"] or None}


class WideForm(forms.Form):
    """Layer names, as the layer error page suggests them."""

    layers = forms.MultipleChoiceField()

    def __init__(self, *args, names: list[str], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["layers"].choices = [(name, name) for name in names]


class SearchForm(TargetForm):
    points = forms.FloatField(
        min_value=0,
        max_value=100,
        initial=1,
        label=_("Allowed drop, points"),
        help_text=_("Of the metric, from ONNX to int8 on the same images."),
    )

    @property
    def allowed_drop(self) -> float:
        return self.cleaned_data["points"] / 100
