"""The notices of a run: from its programs, and about what this server lacks."""

from __future__ import annotations

from portal.core import configs
from portal.runs.graph import Graph
from portal.runs.input_fit import misfit
from workers.contract.messages import msg


def notices(graph: Graph) -> list[str]:
    """Distinct sentences: of the task, the configs, the images, the training, then of compiled models."""
    found = [*_of_task(graph), *graph.removed, *_of_images(graph)]
    found += graph.facts.get("notices", [])
    for compiled in graph.compiled:
        found += compiled.facts.get("notices", [])
    found += [step.withheld for step in graph.steps if step.withheld]
    return list(dict.fromkeys(found))


def _of_images(graph: Graph) -> list[str]:
    run, size = graph.run, graph.run.params.get("input_size")
    recipe = configs.recipes().get(run.recipe)
    found = misfit(run.dataset_version, size, recipe.input_sizes if recipe else ()) if size else None
    return [found] if found else []


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
