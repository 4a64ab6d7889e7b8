"""The forms of deployment policies, and of an exception from one."""

from __future__ import annotations

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from portal import tasks
from portal.core import configs
from portal.core.forms import StyledForm
from portal.core.messages import shown
from portal.core.names import one_line
from portal.deployment.models import Policy, is_limit

SHARES = ("max_drop", "fail_under", "fail_class_under")  # given in percent


def _tasks() -> list[tuple[str, str]]:
    return [(name, shown(task.title).capitalize()) for name, task in tasks.TASKS.items()]


def _chips() -> list[tuple[str, str]]:
    return [("", _("All chips")), *((name, shown(chip.title)) for name, chip in configs.chips().items())]


def _percent(label, help_text):
    return forms.FloatField(required=False, min_value=0, max_value=100, label=label, help_text=help_text)


def _amount(label, help_text):
    return forms.FloatField(
        required=False, min_value=0, max_value=1_000_000, label=label, help_text=help_text
    )


class PolicyForm(StyledForm):
    """A policy for a task and a chip; empty fields require nothing."""

    task = forms.ChoiceField(choices=lazy(_tasks, list), label=_("Task"))
    chip = forms.ChoiceField(
        choices=lazy(_chips, list),
        required=False,
        label=_("Chip"),
        help_text=_("A policy for one chip replaces the one for all chips."),
    )
    max_drop = _percent(
        _("Largest allowed drop, points"), _("Of the metric, from the trained model to the compiled one.")
    )
    fail_under = _percent(_("Required quality, %"), _("The compiled model's metric."))
    fail_class_under = _percent(
        _("Required quality of each class, %"), _("Recall in classification, AP in detection.")
    )
    max_memory_mb = _amount(_("Largest memory, MB"), _("Weights and feature maps, as the compiler reports."))
    max_ms = _amount(
        _("Longest time for one image, ms"),
        _("As measured on boards; estimated if none has run it yet. Each deployment checks it on its board."),
    )
    no_cpu = forms.BooleanField(required=False, label=_("Every operator runs on the NPU"))

    def clean(self):
        data = super().clean()
        if not self.errors and not any(is_limit(data.get(name)) for name in Policy.LIMITS):
            raise forms.ValidationError(_("Set at least one limit, or remove the policy."))
        return data

    @property
    def policy(self) -> dict:
        """The fields of a policy. Call it on a valid form."""
        data = dict(self.cleaned_data)
        for name in SHARES:
            data[name] = None if data[name] is None else round(data[name] / 100, 9)
        return data


class ExceptionForm(StyledForm):
    """The reason to deploy a model that the policy refuses."""

    override = forms.CharField(
        max_length=500,
        label=_("Reason for the exception"),
        help_text=_("The audit and the deployment's evidence keep it."),
        validators=[one_line],
    )
