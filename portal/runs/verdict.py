"""The verdict on a run: good, doubtful or not usable, why, and what to do. Based on its evaluations alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

from portal.core.messages import word
from portal.models.models import Evaluation
from portal.runs.graph import Graph
from portal.runs.quality import quality
from portal.tasks import Stage, Task
from portal.tasks.doubts import QUANTIZATION, Doubt, Grade
from portal.training.methods import PRUNING
from workers.contract.messages import Message, join, msg, msg_n
from workers.contract.splits import TEST

WIDE = 0.1  # a wider interval says little
OPTIMISTIC = msg(
    "The same images picked the best epoch, so the figures are a little optimistic. A test split keeps "
    "images apart for them."
)
# A wrong order of labels, scale or channel order costs accuracy without any error.
AS_TRAINED = msg(
    "Check first that the order of the labels, the scale of the pixels and the channel order are those of "
    "its training; then look at the mistakes."
)
PRUNED = msg("Prune less, so that a larger share of its cost remains, or train longer after pruning.")
AGREES = 0.98  # a board that agrees with the simulator less often computes something else


@dataclass(frozen=True)
class Verdict:
    """``sentence`` says how good the model is, ``advice`` what to do, ``note`` how reliable the figures
    are; the last two may be empty.
    """

    grade: Grade
    sentence: Message
    advice: Message
    note: Message | str = ""

    @property
    def is_about_quantization(self) -> bool:
        """Whether other quantization settings may help."""
        return QUANTIZATION in self.advice


@dataclass(frozen=True)
class Judged:
    """One model as it would be used: compiled for a chip, or the trained one if nothing was compiled."""

    evaluation: Evaluation
    before: Evaluation | None


def verdict(graph: Graph) -> Verdict | None:
    """None until the run has ended and something was evaluated."""
    judged = _judged(graph) if graph.run.is_final else []
    if not judged:
        return None
    doubts = _doubts(graph, judged)
    grade = Grade.worst(doubt.grade for doubt in doubts)
    worst = [doubt for doubt in doubts if doubt.grade == grade]
    has_range = any(doubt in worst for doubt in _of_few_images(graph.task, judged[0].evaluation))
    lowest = min(judged, key=lambda one: one.evaluation.value or 0).evaluation
    figure = _figure(lowest, None if has_range else graph.task.interval(lowest.metrics), graph.task)
    advice = dict.fromkeys(doubt.advice for doubt in worst)
    note = "" if judged[0].evaluation.split == TEST or graph.is_imported else OPTIMISTIC
    return Verdict(grade, join([*(doubt.sentence for doubt in worst), figure]), join(advice), note)


def _judged(graph: Graph) -> list[Judged]:
    found = []
    for compiled in graph.compiled:
        measured = graph.evaluated.find(Stage.SIMULATOR, compiled.pk)
        if measured is not None:
            before = graph.evaluated.find(Stage.ONNX, compiled.pk) or graph.evaluated.uncompiled
            found.append(Judged(measured, before))
    trained = graph.evaluated.uncompiled
    return found or ([Judged(trained, None)] if trained else [])


def _doubts(graph: Graph, judged: list[Judged]) -> list[Doubt]:
    """Without repetitions, since several chips may have the same."""
    found = []
    for one in judged:
        metrics = one.evaluation.metrics
        doubts = graph.task.doubts(metrics, one.before.metrics if one.before else None)
        found += _with_apt_advice(graph, doubts)
    found += _of_unknown_classes(judged[0].evaluation)
    found += _of_limits(graph)
    found += _of_few_images(graph.task, judged[0].evaluation)
    for row in graph.deployments:
        found += _of_board(row.device, graph.evaluated.find(Stage.BOARD, job_id=row.job_id))
    return list(dict.fromkeys(found))


def _with_apt_advice(graph: Graph, doubts: list[Doubt]) -> list[Doubt]:
    """Labels and images are not the cause where nobody trains here, or where pruning cost the accuracy."""
    apt = AS_TRAINED if graph.is_imported else PRUNED if doubts and _lost_by_pruning(graph) else None
    if apt is None:
        return doubts
    return [one if QUANTIZATION in one.advice else replace(one, advice=apt) for one in doubts]


def _lost_by_pruning(graph: Graph) -> bool:
    """Whether the run pruned a model that raised no doubts itself."""
    if graph.method.get("name") != PRUNING or graph.model is None:
        return False
    rows = Evaluation.objects.filter(model=graph.model.parent_id, stage=Stage.PADDLE).order_by("-pk")
    metrics = rows.values_list("metrics", flat=True).first()
    return bool(metrics) and not graph.task.doubts(metrics, None)


def _of_unknown_classes(evaluation: Evaluation) -> list[Doubt]:
    """An imported model can have classes that the dataset lacks."""
    if evaluation.value is not None:
        return []
    sentence = msg(
        "None of the dataset's classes is a class of the model, so its accuracy is not known: only what the "
        "compilation changed was measured."
    )
    advice = msg("Start it again with a dataset whose classes have the names of the model's labels.")
    return [Doubt(Grade.DOUBTFUL, sentence, advice)]


def _of_limits(graph: Graph) -> list[Doubt]:
    """Misses of the run's limits; the parity report has the causes."""
    judged = quality(graph)
    misses = judged.misses if judged else ()
    advice = msg("The parity report names the likely cause and the cure.")
    if any(miss.limit == "max_drop" and miss.device is None for miss in misses):
        advice = join([advice, QUANTIZATION])
    return [Doubt(Grade.DOUBTFUL, miss.sentence, advice) for miss in misses]


def _of_few_images(task: Task, evaluation: Evaluation) -> list[Doubt]:
    interval = task.interval(evaluation.metrics)
    if interval is None or interval[1] - interval[0] <= WIDE:
        return []
    sentence = msg(
        "There are only {images}: {value} means {low} to {high}.",
        images=evaluation.measured_on,
        value=_percent(evaluation.value),
        low=f"{100 * interval[0]:.0f} %",
        high=f"{100 * interval[1]:.0f} %",
    )
    advice = msg("Measure on more images before you rely on these figures: add some, or draw a larger split.")
    return [Doubt(Grade.DOUBTFUL, sentence, advice)]


def _of_board(device, measured: Evaluation | None) -> list[Doubt]:
    if measured is None or measured.agreement is None or measured.agreement >= AGREES:
        return []
    sentence = msg_n(
        "The board {device} predicts {changed} of {count} image unlike the simulator.",
        "The board {device} predicts {changed} of {count} images unlike the simulator.",
        measured.parity["images"],
        device=device.name,
        changed=measured.parity["changed"],
    )
    advice = msg("Check the channel order in the device's profile and the runtime version on the board.")
    return [Doubt(Grade.DOUBTFUL, sentence, advice)]


def _figure(evaluation: Evaluation, interval: tuple[float, float] | None, task: Task) -> Message:
    """The measured figure in one sentence: the metric, its stage, the number of images, its confidence
    interval unless a doubt has told it.
    """
    params = {
        "metric": word(task.metric_title),
        "value": _percent(evaluation.value),
        "stage": word(Stage(evaluation.stage).label),
        "images": evaluation.measured_on,
    }
    if interval is None:
        return msg("{metric} is {value} on {images} ({stage}).", **params)
    low, high = (f"{100 * edge:.1f}" for edge in interval)
    return msg(
        "{metric} is {value} on {images} ({stage}); 95 % interval {low} to {high} %.",
        **params,
        low=low,
        high=high,
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"
