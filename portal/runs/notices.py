"""What a person must know of a run that ended well: what its programs noted, and what int8 cost."""

from __future__ import annotations

from portal.models.models import CompiledModel
from portal.runs.graph import Graph
from portal.tasks import Stage

NOTABLE_DROP = 0.05  # of the metric, from ONNX to the simulator; calibrated int8 commonly costs 0 to 0.02


def notices(graph: Graph) -> list[str]:
    """Sentences in English, each once: of the training, then of each compiled model."""
    found = list(graph.facts.get("notices", []))
    for compiled in graph.compiled:
        found += compiled.facts.get("notices", [])
        found += _of_drop(graph, compiled)
    return list(dict.fromkeys(found))


def _of_drop(graph: Graph, compiled: CompiledModel) -> list[str]:
    measured = graph.evaluated.find(Stage.SIMULATOR, compiled.pk)
    if measured is None or measured.drop is None or measured.drop < NOTABLE_DROP:
        return []
    return [
        f"The int8 model for {compiled.chip} lost {100 * measured.drop:.1f} points of accuracy against ONNX"
        f" on {measured.images} images. Try more calibration images, or another recipe, before you deploy it."
    ]
