"""One form for each method that improves a run's model."""

from __future__ import annotations

from collections.abc import Sequence

from django import forms
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from portal.core import configs
from portal.core.forms import StyledForm
from portal.core.messages import shown
from portal.datasets.models import DatasetVersion
from portal.jobs.models import Status
from portal.models.models import Evaluation, Model
from portal.runs import improving, plan, pruning_limits, smaller
from portal.runs.forms import usable_versions
from portal.runs.graph import Graph
from portal.tasks import Stage
from portal.training.methods import (
    CONTINUATION,
    DISTILLATION,
    IMPORTANCES,
    METHODS,
    PRUNING,
    QAT,
    SHARES,
    UNITS,
)

OFFERED = 100


class ImproveForm(StyledForm):
    """Epochs and learning rate; empty fields mean the method's defaults. A subclass sets ``method``."""

    method: str
    others: Sequence[plan.Plan] = ()  # of further runs, to compare with; ``make_plan`` sets it
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
    def refusal(self):
        """Why the method cannot be used for the run; None if it can."""
        return improving.refusal(self.graph, self.method)

    @property
    def is_unproven(self) -> bool:
        """Whether no gain has been measured yet for models of this task."""
        return self.graph.run.task not in METHODS[self.method].gains

    def make_plan(self) -> plan.Plan:
        """The plan of a valid form. Raises PlanError."""
        data = dict(self.cleaned_data)
        given = {name: data.pop(name) for name in ("epochs", "learning_rate")}
        params = {name: value for name, value in given.items() if value is not None}
        return improving.make_plan(self.graph.run, self.method, params, **data)


class QuantizationForm(ImproveForm):
    method = QAT
    anyway = forms.BooleanField(required=False, label=_("Train anyway"))

    @property
    def measured(self):
        return improving.worst_drop(self.graph)

    @property
    def needless(self):
        return improving.needless(self.graph, self.method)


class TeacherField(forms.ModelChoiceField):
    """The best teacher comes first; each is shown with its metric and the data that it was measured on."""

    def label_from_instance(self, model):
        title = shown(configs.title(configs.recipes(), model.recipe))
        if model.reached is None:
            return f"{model.name} · {title}"
        metric = model.task_class.metric_title
        return f"{model.name} · {title} · {metric} {100 * model.reached:.2f} % ({model.dataset_version})"


def _newest(rows: QuerySet) -> QuerySet:
    """Those of a list that a page can offer; the API takes all of them."""
    return rows.filter(pk__in=list(rows.order_by("-pk").values_list("pk", flat=True)[:OFFERED]))


def _best_first(models: QuerySet) -> QuerySet:
    measured = Evaluation.objects.filter(model=OuterRef("pk"), stage=Stage.PADDLE).order_by("-pk")
    rows = models.annotate(reached=Subquery(measured.values("value")[:1]))
    return rows.select_related("dataset_version__dataset").order_by(F("reached").desc(nulls_last=True), "-pk")


class DistillationForm(ImproveForm):
    method = DISTILLATION
    teacher = TeacherField(
        queryset=Model.objects.none(),
        required=False,
        label=_("Teacher"),
        empty_label=_("Choose…"),
        help_text=_("The newest hundred that fit; the API takes any."),
    )
    teacher_recipe = forms.ChoiceField(
        required=False,
        label=_("Or a recipe with pretrained weights"),
        help_text=_("It is trained on the labelled images first, for as long as the student."),
    )
    unlabelled = forms.ModelChoiceField(
        queryset=DatasetVersion.objects.none(),
        label=_("Images without labels"),
        empty_label=_("Choose…"),
        help_text=_("Labels that its images have are not used."),
    )
    anyway = forms.BooleanField(required=False, label=_("Train anyway"))
    field_order = ("teacher", "teacher_recipe", "unlabelled", "epochs", "learning_rate")

    def __init__(self, *args, graph: Graph, **kwargs):
        super().__init__(*args, graph=graph, **kwargs)
        run = graph.run
        own = graph.model.pk if graph.model else None
        versions = usable_versions(run.team).exclude(pk=run.dataset_version_id)
        recipes = improving.teaching_recipes(run.task)
        choices = [(name, recipe.title) for name, recipe in recipes.items() if name != run.recipe]
        self.fields["teacher_recipe"].choices = [("", _("None")), *choices]
        self.fields["teacher"].queryset = _best_first(_newest(improving.teachers(run).exclude(pk=own)))
        self.fields["unlabelled"].queryset = _newest(versions.filter(job__status=Status.SUCCEEDED))

    @property
    def alone(self):
        """The metric that the student reached without a teacher."""
        return self.graph.evaluated.find(Stage.PADDLE)


class PruningForm(ImproveForm):
    method = PRUNING
    share = forms.IntegerField(
        label=_("Cost that remains, per cent"),
        initial=50,
        widget=forms.NumberInput({"min": round(100 * SHARES[0]), "max": round(100 * SHARES[1])}),
    )
    unit = forms.ChoiceField(choices=list(UNITS.items()), label=_("Cost in"))
    importance = forms.ChoiceField(choices=list(IMPORTANCES.items()), label=_("Channels that stay"))
    smaller = forms.ChoiceField(
        required=False,
        label=_("Train a smaller recipe as long"),
        help_text=_("In a run of its own, to compare the two: it may be as good."),
    )
    field_order = ("share", "unit", "importance", "smaller", "epochs", "learning_rate")

    def __init__(self, *args, graph: Graph, **kwargs):
        super().__init__(*args, graph=graph, **kwargs)
        self._say_limits(graph.model)
        choices = [(name, recipe.title) for name, recipe in smaller.recipes(graph).items()]
        self.fields["smaller"].choices = [*choices, ("", _("None"))]
        self.initial["smaller"] = choices[0][0] if choices else ""

    def make_plan(self) -> plan.Plan:
        recipe = self.cleaned_data.pop("smaller")
        pruned = super().make_plan()
        self.others = [smaller.make_plan(self.graph.run, recipe, pruned.params["epochs"])] if recipe else []
        return pruned

    def _say_limits(self, model: Model | None) -> None:
        self.initial["share"] = pruning_limits.default_share(model)
        known = {unit: pruning_limits.least_share(model, unit) if model else None for unit in UNITS}
        if None not in known.values():
            places = {unit: pruning_limits.percent(share) for unit, share in known.items()}
            sentence = _(
                "Of this model, at least %(cycles)s %% of the cycles or %(macs)s %% of the MACs remain."
            )
            self["share"].help_text = sentence % places

    def clean_share(self) -> float:
        share = self.cleaned_data["share"]
        if not 100 * SHARES[0] <= share <= 100 * SHARES[1]:
            raise forms.ValidationError(improving.shares_sentence())
        return share / 100

    @property
    def beside(self) -> list[dict]:
        """Models of the same data, with their cost and accuracy as int8."""
        rows = improving.beside(self.graph)
        found = Evaluation.objects.filter(compiled_model__in=rows, stage=Stage.SIMULATOR)
        values = dict(found.values_list("compiled_model", "value"))
        return [{"compiled": row, "value": values.get(row.pk)} for row in rows]


class ContinuationForm(ImproveForm):
    method = CONTINUATION

    @property
    def reached(self):
        """The evaluation of the trained model."""
        return self.graph.evaluated.find(Stage.PADDLE)


FORMS = {form.method: form for form in (QuantizationForm, DistillationForm, PruningForm, ContinuationForm)}
