"""A run that makes a better fitting model of another run's: which ways there are, and its plan."""

from __future__ import annotations

from typing import Any

from portal.core import configs
from portal.core.messages import word
from portal.models.models import Evaluation, Model
from portal.runs import cloning
from portal.runs.graph import Graph
from portal.runs.models import Run
from portal.runs.plan import Plan, PlanError
from portal.tasks import Stage
from portal.training.methods import DELETED, METHODS, QAT
from workers.contract.messages import Message, msg

LEAST_DROP = 0.005  # of the metric, from ONNX to int8: less is within what training varies by
NAME_LENGTH = 120


def defaults(run: Run, name: str) -> dict[str, Any]:
    """The parameters that a method brings for a run's model; all others are the run's own."""
    method = METHODS[name]
    rate = float(f"{run.params['learning_rate'] * method.rate:.2g}")
    return {"epochs": method.epochs, "learning_rate": rate}


def make_plan(run: Run, wanted: dict[str, Any], params: dict | None = None, name="", anyway=False) -> Plan:
    """The plan of a run that makes a model of this run's by the method ``wanted["name"]``.

    It has the run's chips and no devices: compare first, then deploy. Raises PlanError.
    """
    graph = Graph(run)
    why = refusal(graph) or (not anyway and needless(graph, wanted["name"]))
    if why:
        raise PlanError({"method": why})
    changes = {
        "name": (name or f"{run.name} · {METHODS[wanted['name']].title}")[:NAME_LENGTH],
        "devices": [],
        "params": defaults(run, wanted["name"]) | (params or {}),
    }
    plan = cloning.make_plan(run, changes)
    plan.method = {**wanted, "parent": graph.model.pk}
    return plan


def refusal(graph: Graph) -> Message | None:
    """Why nothing can be made of a run's model; None where it can."""
    run, model = graph.run, graph.model
    if run.deleted_at is not None:
        return msg("{run} was deleted: restore it first.", run=run)
    if model is None or not model.is_ready:
        return msg("{run} has no trained model yet: wait for its training, or retry it.", run=run)
    return None


def needless(graph: Graph, name: str) -> Message | None:
    """Why a method is not worth its time for a run's model; None where it may be."""
    worst = worst_drop(graph)
    if name != QAT or worst is None or worst.drop >= LEAST_DROP:
        return None
    return msg(
        "The int8 model loses {points} points of {metric} against ONNX on {images}: there is nothing to win "
        "back. Choose to train anyway if you want to try it.",
        points=f"{max(0.0, 100 * worst.drop):.1f}",
        metric=word(graph.task.metric_title),
        images=worst.measured_on,
    )


def worst_drop(graph: Graph) -> Evaluation | None:
    """The evaluation of the compiled model that lost most; None before any was measured."""
    measured = [graph.evaluated.find(Stage.SIMULATOR, one.pk) for one in graph.compiled]
    found = [one for one in measured if one is not None and one.drop is not None]
    return max(found, key=lambda one: one.drop, default=None)


def check(plan: Plan, team) -> None:
    """Raise PlanError where a plan's method does not go with its recipe or its data.

    A clone may have changed these.
    """
    if not plan.method:
        return
    parent = Model.objects.for_team(team).live().filter(pk=plan.method["parent"]).first()
    if parent is None:
        raise PlanError({"method": DELETED})
    if plan.recipe != parent.recipe:
        title = configs.title(configs.recipes(), parent.recipe)
        raise PlanError({"recipe": msg("It goes on from a trained {title}: keep that recipe.", title=title)})
    if plan.version.class_names != parent.dataset_version.class_names:
        sentence = msg("It goes on from a model of other classes: choose a dataset with the same ones.")
        raise PlanError({"dataset_version": sentence})
