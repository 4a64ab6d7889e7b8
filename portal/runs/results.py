"""The results on a run's page: classes, confusions, changed predictions, cost, files."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.core import configs
from portal.core.templatetags.slipway import chip_title
from portal.jobs.models import Artifact, Job
from portal.models.evaluations import predictions_of
from portal.models.models import Evaluation
from portal.runs.graph import Graph
from portal.runs.mistakes import Picture
from portal.tasks import Stage
from workers.contract.messages import msg
from workers.datakit.scoring.detection import f1

CHANGED_SHOWN = 24
CONFUSIONS_SHOWN = 12
LAYERS_SHOWN = 15
# The most important files with their descriptions. All other files of a job follow below.
FILE_WORDS = {
    "model.rknn": msg("compiled model for the board"),
    "labels.txt": msg("class names, one a line"),
    "best_model.pdparams": msg("trained weights (Paddle)"),
    "inference.json": msg("Paddle inference model: graph"),
    "inference.pdmodel": msg("Paddle inference model: graph"),
    "inference.pdiparams": msg("Paddle inference model: weights"),
    "model.onnx": msg("ONNX, as it was exported"),
    "model.slim.onnx": msg("ONNX with a fixed input, cut for the board"),
    "build.onnx": msg("ONNX as the RKNN toolkit got it"),
    "calibration.zip": msg("calibration images and settings"),
    "predictions.paddle.json": msg("each measured image's prediction in Paddle"),
    "predictions.onnx.json": msg("each measured image's prediction in ONNX"),
    "predictions.simulator.json": msg("each measured image's prediction in the int8 simulator"),
    "operators.json": msg("operators and their cost"),
    "provenance.json": msg("where the model comes from"),
}


@dataclass
class Files:
    """A job's files with a heading."""

    title: str
    rows: list[tuple]  # (artifact, description)


def files(graph: Graph) -> list[Files]:
    """The files of a run by the step that made them, the important ones first."""
    source = msg("Import") if graph.is_imported else msg("Training and ONNX")
    steps = [(source, graph.training)]
    steps += [
        (msg("RKNN for {chip}", chip=configs.title(configs.chips(), compiled.chip)), compiled.job)
        for compiled in graph.compiled
    ]
    made = _artifacts_of([job for _title, job in steps if job])
    groups = [Files(title, _rows(made[job.pk])) for title, job in steps if job]
    return [group for group in groups if group.rows]


def _artifacts_of(jobs: list[Job]) -> dict[int, list[Artifact]]:
    """The files of these jobs, by job id, loaded at once."""
    made: dict[int, list[Artifact]] = {job.pk: [] for job in jobs}
    for artifact in Artifact.objects.filter(job__in=made):
        made[artifact.job_id].append(artifact)
    return made


def _rows(artifacts: list[Artifact]) -> list[tuple]:
    order = list(FILE_WORDS)
    rows = [(artifact, FILE_WORDS.get(artifact.name, "")) for artifact in artifacts]
    return sorted(rows, key=lambda row: (order.index(row[0].name) if row[1] else len(order), row[0].name))


def confusions(metrics: dict) -> list[dict]:
    """The most frequent mistakes: ``{"truth", "answer", "count", "pair"}``, ``pair`` with the ids."""
    matrix = metrics.get("confusion") or []
    names = [row["name"] for row in metrics.get("per_class", [])]
    found = [
        {"truth": names[truth], "answer": names[answer], "count": count, "pair": (truth, answer)}
        for truth, row in enumerate(matrix)
        for answer, count in enumerate(row)
        if truth != answer and count
    ]
    return sorted(found, key=lambda one: -one["count"])[:CONFUSIONS_SHOWN]


@dataclass(frozen=True)
class Threshold:
    """Precision and recall of the boxes from ``score`` on. Fractions."""

    score: float
    precision: float | None
    recall: float | None
    f1: float
    is_best: bool = False


def thresholds(metrics: dict) -> list[Threshold]:
    """One for each score of a detector's curve; none for other tasks."""
    return [
        Threshold(score, precision, recall, f1(precision, recall), score == metrics["threshold"])
        for score, precision, recall in metrics.get("curve") or []
    ]


def per_class(graph: Graph) -> list[dict]:
    """The training's figures per class, with those of each compiled model as quantized for its chip:
    ``{"name", "figures": [(value, column)], "int8": [value]}``.
    """
    trained, task = graph.evaluated.uncompiled, graph.task
    measured = [one.metrics.get("per_class", []) for one in quantized_of(graph).values()]
    quantized = [{row["id"]: row for row in rows} for rows in measured]
    return [
        {
            "name": row["name"],
            "figures": [(row.get(column.name), column) for column in task.class_columns],
            "int8": [known.get(row["id"], {}).get(task.class_metric) for known in quantized],
        }
        for row in (trained.metrics.get("per_class", []) if trained else [])
    ]


def quantized_of(graph: Graph) -> dict[str, Evaluation]:
    """The simulator's evaluation of each compiled model that has one, by chip."""
    found = {one.chip: graph.evaluated.find(Stage.SIMULATOR, one.pk) for one in graph.compiled}
    return {chip: measured for chip, measured in found.items() if measured is not None}


@dataclass
class ChangedPredictions:
    """Images whose prediction changed between two stages, for one compiled model or board."""

    title: str
    count: int
    images: int
    rows: list[Picture]  # of a Change


def changed_predictions(graph: Graph) -> list[ChangedPredictions]:
    """The differences between int8 and ONNX, and between a board and the int8 simulator."""
    names = graph.class_names
    found = []
    for compiled in graph.compiled:
        measured = graph.evaluated.find(Stage.SIMULATOR, compiled.pk)
        if measured is not None:
            title = _("ONNX → int8 for %(chip)s") % {"chip": chip_title(compiled.chip)}
            found.append(_changed(graph, measured, title, names))
    for row in graph.deployments:
        measured = graph.evaluated.find(Stage.BOARD, job_id=row.job_id)
        if measured is not None:
            title = _("int8 simulator → board %(device)s") % {"device": row.device.name}
            found.append(_changed(graph, measured, title, names))
    return found


def _changed(graph: Graph, measured: Evaluation, title: str, names: list[str]) -> ChangedPredictions:
    """Read the predictions only if some changed."""
    count = measured.parity.get("changed", 0)
    changed = []
    if count:
        before = predictions_of(graph.evaluated.before(measured))
        changed = graph.task.changed(before, predictions_of(measured))
    rows = [Picture.of(graph.task.change(one, names)) for one in changed[:CHANGED_SHOWN]]
    return ChangedPredictions(title, count, measured.parity.get("images", measured.images), rows)


def heaviest_layers(cost: dict) -> list[list]:
    """``[name, cycles]`` of the slowest layers."""
    layers = [layer for layer in cost.get("layers", []) if layer.get("cycles")]
    layers.sort(key=lambda layer: -layer["cycles"])
    return [[_layer_name(layer), layer["cycles"]] for layer in layers[:LAYERS_SHOWN]]


def _layer_name(layer: dict) -> str:
    name = layer.get("name", "").rpartition(":")[2] or layer.get("name", "")
    return f"{layer['id']} {layer['type']}" + (f" {name[:28]}" if name else "")
