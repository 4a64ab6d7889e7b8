"""Runs that improve another run's model: the possible methods, and the plan."""

from __future__ import annotations

from typing import Any

from portal import tasks
from portal.core import configs
from portal.core.echoes import shortened
from portal.core.messages import word
from portal.datasets.models import DatasetVersion
from portal.models.models import CompiledModel, Evaluation, Model
from portal.runs import cloning, pruning_limits
from portal.runs.graph import Graph
from portal.runs.models import Run
from portal.runs.plan import Plan, PlanError
from portal.tasks import Stage
from portal.tasks.doubts import percent
from portal.training.methods import DELETED, DISTILLATION, METHODS, PRUNED, PRUNING, QAT, SHARES
from workers.contract.messages import Message, msg

LEAST_DROP = 0.005  # of the metric, from ONNX to int8: less is within the variation between trainings
NAME_LENGTH = 120
BESIDE = 10  # models
IMPORTED = msg(
    "An imported model cannot be trained here: train it where it came from, or train a recipe on its data."
)

FLOAT_ONLY = msg(
    "The compiled model in use is float 16, so it loses nothing to int8. Choose an int8 variant first, or "
    "choose to train anyway if you want to try it."
)


def defaults(run: Run, name: str) -> dict[str, Any]:
    """The parameters that a method sets for a run's model; all others are the run's own."""
    method = METHODS[name]
    rate = float(f"{run.params['learning_rate'] * method.rate:.2g}")
    return {"epochs": method.epochs or run.params["epochs"], "learning_rate": rate}


def make_plan(
    run: Run,
    method: str,
    params: dict | None = None,
    name: str = "",
    anyway: bool = False,
    teacher: Model | None = None,
    unlabelled: DatasetVersion | None = None,
    teacher_recipe: str = "",
    share: float | None = None,
    unit: str = "cycles",
    importance: str = "taylor",
) -> Plan:
    """The plan of a run that improves this run's model.

    It has the run's chips and no devices: compare first, then deploy. Raises PlanError.
    """
    graph = Graph(run)
    why = refusal(graph, method) or (not anyway and needless(graph, method))
    if why:
        raise PlanError({"method": why})
    changes = {
        "name": (name or f"{run.name} · {METHODS[method].title}")[:NAME_LENGTH],
        "devices": [],
        "params": defaults(run, method) | (params or {}),
    }
    plan = cloning.make_plan(run, changes)
    plan.method = {"name": method, **_sources(graph, method, teacher, teacher_recipe, unlabelled)}
    if teacher is not None and not anyway:
        check(plan, run.team)  # a teacher of other classes is no use, however good it is
        if why := _teaches_little(graph, teacher):
            raise PlanError({"teacher": why})
    if method == PRUNING:
        plan.method |= _pruning(graph.model, share, unit, importance)
    return plan


def _sources(graph: Graph, method: str, teacher, teacher_recipe: str, unlabelled) -> dict[str, Any]:
    """The ids of a method's source models and images, or the teacher's recipe."""
    if method != DISTILLATION:
        return {"parent": graph.model.pk}
    missing = {}
    if (teacher is None) == (not teacher_recipe):
        missing["teacher"] = msg("Choose one teacher: a model, or a recipe with pretrained weights.")
    if unlabelled is None:
        missing["unlabelled"] = msg("Choose a dataset whose images need no labels.")
    if missing:
        raise PlanError(missing)
    named = {"teacher_recipe": teacher_recipe} if teacher_recipe else {"teacher": teacher.pk}
    return {**named, "unlabelled": unlabelled.pk}


def _pruning(model: Model, share: float | None, unit: str, importance: str) -> dict[str, Any]:
    if share is None:
        share = pruning_limits.default_share(model) / 100
    if not SHARES[0] <= share <= SHARES[1]:
        raise PlanError({"share": shares_sentence()})
    if why := pruning_limits.too_small(model, share, unit):
        raise PlanError({"share": why})
    return {"share": share, "unit": unit, "importance": importance}


def shares_sentence() -> Message:
    """Which shares of the cost pruning can leave."""
    return msg(
        "Leave {least} to {most} % of the cost: for a much smaller model, train a smaller recipe.",
        least=round(100 * SHARES[0]),
        most=round(100 * SHARES[1]),
    )


def beside(graph: Graph) -> list[CompiledModel]:
    """Compiled models of the same data to compare a pruned one with, fastest first; the variants in use."""
    rows = CompiledModel.objects.for_team(graph.run.team).ready().filter(chosen=True).select_related("model")
    rows = rows.filter(model__dataset_version=graph.run.dataset_version, chip__in=graph.chips)
    return sorted(rows.order_by("-id")[:BESIDE], key=lambda one: one.cost.get("cycles", 0))


def is_offered(run: Run, request) -> bool:
    """Whether this person is shown the way to a better fitting model of a run's."""
    known = any(run.task in method.tasks for method in METHODS.values())
    return known and bool(run.recipe) and run.deleted_at is None and request.may_edit


def refusal(graph: Graph, method: str) -> Message | None:
    """Why a method cannot be used on a run's model; None if it can."""
    run, model = graph.run, graph.model
    if run.deleted_at is not None:
        return msg("{run} was deleted: restore it first.", run=run)
    if graph.is_imported:
        return IMPORTED
    if why := _task_refusal(run.task, method):
        return why
    if model is None or not model.is_ready:
        return msg("{run} has no trained model yet: wait for its training, or retry it.", run=run)
    return pruning_limits.refusal(model) if method == PRUNING else None


def _task_refusal(task: str, method: str) -> Message | None:
    if task in METHODS[method].tasks:
        return None
    return msg(
        "{method} works for other tasks only: train a smaller recipe instead.",
        method=word(METHODS[method].title),
    )


def needless(graph: Graph, method: str) -> Message | None:
    """Why a method is not worth its time for a run's model; None if it may be."""
    if method != QAT:
        return None
    if graph.compiled and not any(one.is_quantized for one in graph.compiled):
        return FLOAT_ONLY
    worst = worst_drop(graph)
    if worst is None or worst.drop >= LEAST_DROP:
        return None
    return msg(
        "The int8 model loses {points} points of {metric} against ONNX on {images}: there is nothing to win "
        "back. Choose to train anyway if you want to try it.",
        points=f"{max(0.0, 100 * worst.drop):.1f}",
        metric=word(graph.task.metric_title),
        images=worst.measured_on,
    )


def _teaches_little(graph: Graph, teacher: Model) -> Message | None:
    alone = graph.evaluated.find(Stage.PADDLE)
    measured = Evaluation.objects.filter(model=teacher, stage=Stage.PADDLE).order_by("-pk").first()
    if alone is None or measured is None or None in (measured.value, alone.value):
        return None
    if measured.value >= alone.value:
        return None
    return msg(
        "This teacher reaches {its} on {its_images}, and the model reached {own} without one: choose a "
        "better teacher, or choose to train anyway.",
        its=percent(measured.value),
        its_images=measured.measured_on,
        own=percent(alone.value),
    )


def worst_drop(graph: Graph) -> Evaluation | None:
    """The evaluation of the int8 model with the largest loss; None before any was measured."""
    quantized = [one for one in graph.compiled if one.is_quantized]
    measured = [graph.evaluated.find(Stage.SIMULATOR, one.pk) for one in quantized]
    found = [one for one in measured if one is not None and one.drop is not None]
    return max(found, key=lambda one: one.drop, default=None)


def teachers(run: Run):
    """Possible teachers of a run's model: of the same team, task and input size, with the same classes."""
    rows = Model.objects.for_team(run.team).live().filter(task=run.task, job__status="succeeded")
    rows = rows.filter(dataset_version__class_names=run.dataset_version.class_names)
    if tasks.get(run.task).teaches_any_size:
        return rows
    return rows.filter(params__input_size=run.params["input_size"])


def teaching_recipes(task: str) -> dict[str, configs.Recipe]:
    """The recipes that can teach others of a task, since they have pretrained weights."""
    return {
        name: recipe
        for name, recipe in configs.recipes().items()
        if recipe.task == task and recipe.pretrained is not None
    }


def check(plan: Plan, team) -> None:
    """Raise PlanError if a plan's method does not fit its recipe or data: a clone may have changed them."""
    if not plan.method:
        return
    if why := _task_refusal(configs.recipes()[plan.recipe].task, plan.method["name"]):
        raise PlanError({"recipe": why})
    models = Model.objects.for_team(team).live().select_related("dataset_version", "job")
    if plan.method["name"] == DISTILLATION:
        if recipe := plan.method.get("teacher_recipe"):
            _check_teaching_recipe(plan, recipe)
        else:
            _check_teacher(plan, models.filter(pk=plan.method["teacher"]).first())
        _check_unlabelled(DatasetVersion.objects.for_team(team).filter(pk=plan.method["unlabelled"]).first())
    else:
        _check_parent(plan, models.filter(pk=plan.method["parent"]).first())


def _check_parent(plan: Plan, parent: Model | None) -> None:
    if parent is None:
        raise PlanError({"method": DELETED})
    if plan.recipe != parent.recipe:
        title = configs.title(configs.recipes(), parent.recipe)
        raise PlanError({"recipe": msg("It goes on from a trained {title}: keep that recipe.", title=title)})
    if plan.method["name"] == PRUNING:
        method = PRUNED | plan.method
        if why := pruning_limits.too_small(parent, method["share"], method["unit"]):
            raise PlanError({"method": why})
    if plan.version.class_names != parent.dataset_version.class_names:
        sentence = msg("It goes on from a model of other classes: choose a dataset with the same ones.")
        raise PlanError({"dataset_version": sentence})


def _check_teaching_recipe(plan: Plan, name: str) -> None:
    task = configs.recipes()[plan.recipe].task
    recipe = teaching_recipes(task).get(name)
    if recipe is None:
        choices = ", ".join(teaching_recipes(task))
        sentence = msg(
            "{recipe} cannot teach here: choose one of {choices}.", recipe=shortened(name), choices=choices
        )
        raise PlanError({"teacher_recipe": sentence})
    if tuple(plan.params["input_size"]) not in [tuple(size) for size in recipe.input_sizes]:
        sentence = msg("{title} does not read images of the student's size.", title=recipe.title)
        raise PlanError({"teacher_recipe": sentence})


def _check_teacher(plan: Plan, teacher: Model | None) -> None:
    if teacher is None or not teacher.is_ready:
        raise PlanError({"teacher": msg("The teacher was deleted or is not trained yet: choose another.")})
    if teacher.task != configs.recipes()[plan.recipe].task:
        raise PlanError({"teacher": msg("The teacher does another task: choose a model of the same task.")})
    if teacher.dataset_version.class_names != plan.version.class_names:
        raise PlanError({"teacher": msg("The teacher knows other classes: choose a model of the same ones.")})
    same = list(teacher.params["input_size"]) == list(plan.params["input_size"])
    if not same and not tasks.get(teacher.task).teaches_any_size:
        places = {"width": teacher.params["input_size"][0], "height": teacher.params["input_size"][1]}
        sentence = msg(
            "The teacher reads images of {width}x{height} pixels: train the student at that size.", **places
        )
        raise PlanError({"teacher": sentence})


def _check_unlabelled(version: DatasetVersion | None) -> None:
    if version is None or version.is_deleted or not version.is_ready or not version.images:
        sentence = msg("The images without labels are not there or not checked yet: choose another dataset.")
        raise PlanError({"unlabelled": sentence})
