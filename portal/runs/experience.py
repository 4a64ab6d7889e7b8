"""What earlier runs of a team reached with each preset on a dataset: for the comparison of presets."""

from __future__ import annotations

from dataclasses import dataclass

from portal.datasets.models import DatasetVersion
from portal.models.limits import SLACK, exceeds
from portal.models.models import Evaluation
from portal.runs.quality import USUAL_MAX_DROP
from portal.tasks import Stage

LATELY = 200  # newest compiled models to consider
RUN = "compiled_model__model__job__step__run"


@dataclass(frozen=True)
class Earlier:
    """The newest compiled model of a preset, and whether it keeps to the limits of new runs."""

    run_id: int
    value: float
    drop: float | None
    keeps: bool


def of_presets(team, version: DatasetVersion | None) -> dict[str, Earlier]:
    """By preset; presets without a measured run on the version's dataset are missing."""
    if version is None:
        return {}
    rows = Evaluation.objects.for_team(team).live().filter(stage=Stage.SIMULATOR, value__isnull=False)
    rows = rows.filter(dataset_version__dataset=version.dataset_id, compiled_model__chosen=True)
    columns = (f"{RUN}__preset", f"{RUN}__pk", "value", "parity")
    found: dict[str, Earlier] = {}
    for preset, run_id, value, parity in rows.order_by("-pk").values_list(*columns)[:LATELY]:
        if preset and preset not in found:
            drop = parity.get("drop")
            found[preset] = Earlier(run_id, value, drop, _keeps(team, value, drop))
    return found


def _keeps(team, value: float, drop: float | None) -> bool:
    most = USUAL_MAX_DROP if team.max_drop is None else team.max_drop
    least = team.fail_under
    return (drop is None or not exceeds(drop, most)) and (least is None or value >= least - SLACK)
