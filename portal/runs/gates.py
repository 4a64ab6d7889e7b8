"""What the team's deployment policies say of a run's compiled models."""

from __future__ import annotations

from typing import Any

from portal.deployment.gate import Gate, gates_of
from portal.runs.graph import Graph


def gates(graph: Graph) -> list[Gate]:
    """One for each finished compiled model that a policy judges."""
    ready = [one for one in graph.compiled if one.is_ready]
    return [gate for gate in gates_of(ready).values() if gate.policy]


def of_run(graph: Graph) -> list[dict[str, Any]]:
    """For the API: every finished compiled model in use."""
    found = gates_of([one for one in graph.compiled if one.is_ready])
    return [
        {"compiled_model": pk, "chip": gate.compiled.chip, "passed": gate.passed, **gate.as_data()}
        for pk, gate in found.items()
    ]
