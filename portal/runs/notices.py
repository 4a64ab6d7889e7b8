"""What a person must know of a run that ended well: what its programs noted, and what int8 cost."""

from __future__ import annotations

from portal.core.messages import word
from portal.models.models import CompiledModel
from portal.runs.graph import Graph
from portal.tasks import Stage
from workers.contract.messages import msg

NOTABLE_DROP = 0.05  # of the metric, from ONNX to the simulator; calibrated int8 commonly costs 0 to 0.02


def notices(graph: Graph) -> list[str]:
    """Sentences in English, each once: of the training, then of each compiled model."""
    found = [*_of_task(graph), *graph.facts.get("notices", [])]
    for compiled in graph.compiled:
        found += compiled.facts.get("notices", [])
        found += _of_drop(graph, compiled)
    return list(dict.fromkeys(found))


def _of_task(graph: Graph) -> list[str]:
    if graph.task.is_known:
        return []
    return [
        msg(
            "This release does not know the task {task}: it shows the run without figures and starts nothing "
            "of it. Use the release that made it, or a newer one.",
            task=graph.task.title,
        )
    ]


def _of_drop(graph: Graph, compiled: CompiledModel) -> list[str]:
    measured = graph.evaluated.find(Stage.SIMULATOR, compiled.pk)
    if measured is None or measured.drop is None or measured.drop < NOTABLE_DROP:
        return []
    return [
        msg(
            "The int8 model for {chip} lost {points} points of {metric} against ONNX on {images} images. "
            "Try more calibration images, or another recipe, before you deploy it.",
            chip=compiled.chip,
            points=f"{100 * measured.drop:.1f}",
            metric=word(graph.task.metric_title),
            images=measured.images,
        )
    ]
