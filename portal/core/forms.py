"""Base classes of forms: Bootstrap classes on the widgets, errors next to their fields."""

from __future__ import annotations

from django import forms
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from portal.core.echoes import shortened

BOUNDS = {
    MaxValueValidator: _("Give at most %(limit_value)s."),
    MinValueValidator: _("Give at least %(limit_value)s."),
}
LONGEST_TEXT = 1000  # characters, for fields without a limit of their own, such as passwords


class Styled:
    """Adds the CSS classes and marks invalid fields. Templates render each with ``{% field %}``."""

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            _bound_length(field)
            for validator in field.validators:
                if sentence := BOUNDS.get(type(validator)):
                    validator.message = sentence
        for bound in self:
            attrs = bound.field.widget.attrs
            attrs["class"] = f"{attrs.get('class', '')} {self._css(bound)}".strip()

    def full_clean(self):
        super().full_clean()
        for errors in self._errors.values():
            for error in errors.as_data():
                error.params = error.params and {name: shortened(it) for name, it in error.params.items()}
        for name in self.errors if self.is_bound else ():
            if name in self.fields:
                attrs = self.fields[name].widget.attrs
                attrs["class"] = f"{attrs.get('class', '')} is-invalid".strip()

    @staticmethod
    def _css(bound) -> str:
        widget = bound.field.widget
        if isinstance(widget, forms.CheckboxInput | forms.CheckboxSelectMultiple | forms.RadioSelect):
            return "form-check-input"
        return "form-select" if isinstance(widget, forms.Select) else "form-control"

    def add_errors(self, errors: dict[str, str]) -> None:
        """Add a service's sentences to their fields; one without a field goes above the form."""
        for name, sentence in errors.items():
            self.add_error(name if name in self.fields else None, sentence)
            if name in self.fields:
                attrs = self.fields[name].widget.attrs
                attrs["class"] = f"{attrs.get('class', '')} is-invalid".strip()


def _bound_length(field: forms.Field) -> None:
    """Limit the length of a text field that has no limit of its own."""
    if isinstance(field, forms.CharField) and field.max_length is None:
        field.max_length = LONGEST_TEXT
        field.validators.append(MaxLengthValidator(LONGEST_TEXT))


class StyledForm(Styled, forms.Form):
    """Base of the portal's plain forms."""
