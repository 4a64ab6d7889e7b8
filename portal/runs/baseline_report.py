"""The comparisons of a run with the deployed model, as page, report and API show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.jobs.models import Status
from portal.runs.graph import Graph
from portal.runs.models import Baseline
from portal.runs.parity import CHANCE
from workers.datakit.scoring.intervals import chance_of


@dataclass(frozen=True)
class Compared:
    """Both models on one set of images. Values are of the task's metric, fractions; ``lost`` and ``gained``
    count the images that the new model got worse or better. ``by_chance``: the difference may be chance.
    """

    images: int
    deployed: float | None
    new: float | None
    deployed_interval: tuple[float, float] | None
    new_interval: tuple[float, float] | None
    changed: int
    lost: int
    gained: int
    by_chance: bool

    @classmethod
    def of(cls, figures: dict[str, Any]) -> Compared:
        lost, gained = figures["lost"], figures["gained"]
        return cls(
            images=figures["images"],
            deployed=figures["before"],
            new=figures["after"],
            deployed_interval=figures["before_interval"],
            new_interval=figures["after_interval"],
            changed=figures["changed"],
            lost=lost,
            gained=gained,
            by_chance=chance_of(lost, gained) > CHANCE,
        )


@dataclass(frozen=True)
class Comparison:
    """``held_out`` are the measured images without those from boards, which are ``from_boards``; None until
    measured. ``in_training`` images from boards are in the training split, and ``known`` measured images were
    in an earlier one: neither model is judged by them.
    """

    chip: str
    release: str
    device: str
    model: int | None
    model_name: str
    job: int | None
    status: str | None
    problem: str
    split: str | None
    held_out: Compared | None
    from_boards: Compared | None
    in_training: int
    known: int


def of(graph: Graph) -> list[Comparison]:
    return [_comparison(row) for row in graph.baselines]


def _comparison(row: Baseline) -> Comparison:
    job, figures = row.job, row.figures
    has_failed = job is not None and job.status in (Status.FAILED, Status.CANCELLED)
    sets = {name: Compared.of(figures[name]) for name in ("held_out", "from_boards") if name in figures}
    return Comparison(
        chip=row.chip,
        release=row.release,
        device=row.device_name,
        model=row.compiled_model.model_id if row.compiled_model else None,
        model_name=row.model_name,
        job=job.pk if job else None,
        status=job.status if job else None,
        problem=job.message if has_failed else row.problem,
        split=figures.get("split"),
        held_out=sets.get("held_out"),
        from_boards=sets.get("from_boards"),
        in_training=figures.get("in_training", 0),
        known=figures.get("known", 0),
    )
