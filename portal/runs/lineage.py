"""The models that a run's model was made from, and those made from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from portal.core import configs
from portal.datasets.models import DatasetVersion
from portal.models.models import Evaluation, Model, Origin
from portal.runs.graph import Graph
from portal.runs.models import Run
from portal.tasks import Stage
from portal.training.methods import IMPORTANCES, UNITS

GENERATIONS, CHILDREN_SHOWN = 10, 50  # at most


def lineage(graph: Graph) -> dict[str, Any]:
    """``parents`` begin with the model whose weights it started from, and end with the oldest.

    A model in it has ``model``, ``name``, ``run``, ``origin``, ``recipe`` and ``value``, the metric of its
    weights.
    """
    model, settings = graph.model, graph.method
    parents = _parents(model) if model else []
    teacher = _rows(Model.objects.filter(pk=model.teacher_id)) if model and model.teacher_id else []
    children = _children(model) if model else []
    values = _values([*parents, *teacher, *children])
    recipe = settings.get("teacher_recipe")
    return {
        "origin": model.origin if model else Origin.TRAINED,
        "share": settings.get("share"),
        "unit": settings.get("unit"),
        "importance": settings.get("importance"),
        "parents": [_described(one, values) for one in parents],
        "teacher": _described(teacher[0], values) if teacher else None,
        "teacher_recipe": recipe,
        "unlabelled": _version(model.unlabelled_id) if model and model.unlabelled_id else None,
        "children": [_described(one, values) for one in children],
    }


def before(run: Run) -> list[dict[str, Any]]:
    """What the model gave as compiled before a method improved it; of a distilled one, alone."""
    if run.cloned_from is None:
        return []
    graph = Graph(run.cloned_from)
    measured = [(one, graph.evaluated.find(Stage.SIMULATOR, one.pk)) for one in graph.compiled]
    return [
        {"chip": one.chip, "cycles": one.cost.get("cycles"), "value": row.value, "images": row.measured_on}
        for one, row in measured
        if row is not None
    ]


def words(found: dict[str, Any]) -> dict[str, Any]:
    """What the page shows besides, in the reader's language."""
    recipe = found["teacher_recipe"]
    return {
        "origins": dict(Origin.choices),
        "unit_title": UNITS.get(found["unit"], ""),
        "importance_title": IMPORTANCES.get(found["importance"], ""),
        "teacher_title": configs.title(configs.recipes(), recipe) if recipe else "",
    }


def _parents(model: Model) -> list[Model]:
    found, number = [], model.parent_id
    while number is not None and len(found) < GENERATIONS:
        found += _rows(Model.objects.filter(pk=number))
        number = found[-1].parent_id
    return found


def _children(model: Model) -> list[Model]:
    """The newest ones that were not deleted; students are children, too."""
    rows = Model.objects.live().filter(parent=model) | Model.objects.live().filter(teacher=model)
    return _rows(rows.order_by("-pk")[:CHILDREN_SHOWN])


def _rows(query) -> list[Model]:
    return list(query.select_related("job__step").defer("facts"))


def _values(models: Iterable[Model]) -> dict[int, float]:
    """The metric of each model's weights."""
    wanted = {one.pk for one in models}
    rows = Evaluation.objects.filter(model__in=wanted, stage=Stage.PADDLE).order_by("pk") if wanted else []
    return {row.model_id: row.value for row in rows}


def _described(model: Model, values: dict[int, float]) -> dict[str, Any]:
    step = getattr(model.job, "step", None)
    return {
        "model": model.pk,
        "name": model.name,
        "run": step.run_id if step else None,
        "origin": model.origin,
        "recipe": model.recipe,
        "value": values.get(model.pk),
    }


def _version(number: int) -> dict[str, Any]:
    version = DatasetVersion.objects.select_related("dataset").get(pk=number)
    return {"version_id": version.pk, "name": str(version), "sha256": version.content_hash}
