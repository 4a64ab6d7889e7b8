"""The forms of the ways to make a better fitting model of a run's."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.forms import StyledForm
from portal.runs import improving, plan
from portal.runs.graph import Graph
from portal.training.methods import QAT


class ImproveForm(StyledForm):
    """Epochs and learning rate; empty fields mean the method's own. A subclass names the ``method``."""

    method: str
    epochs = forms.IntegerField(required=False, label=_("Epochs"))
    learning_rate = forms.FloatField(required=False, label=_("Learning rate"))

    def __init__(self, *args, graph: Graph, **kwargs):
        self.graph = graph
        super().__init__(*args, auto_id=f"{self.method}-%s", **kwargs)
        for name, value in improving.defaults(graph.run, self.method).items():
            kind, least, most = plan.PARAMS[name]
            attributes = {"placeholder": value, "min": least, "max": most}
            self.fields[name].widget.attrs |= attributes | {"step": 1 if kind is int else "any"}

    @property
    def wanted(self) -> dict:
        """The method with its settings, of a valid form."""
        return {"name": self.method}

    def make_plan(self) -> plan.Plan:
        """The plan of a valid form. Raises PlanError."""
        data = self.cleaned_data
        params = {name: data[name] for name in ("epochs", "learning_rate") if data[name] is not None}
        return improving.make_plan(self.graph.run, self.wanted, params, anyway=data.get("anyway", False))


class QuantizationForm(ImproveForm):
    method = QAT
    anyway = forms.BooleanField(required=False, label=_("Train anyway"))

    @property
    def measured(self):
        return improving.worst_drop(self.graph)

    @property
    def needless(self):
        return improving.needless(self.graph, self.method)


FORMS = {form.method: form for form in (QuantizationForm,)}
