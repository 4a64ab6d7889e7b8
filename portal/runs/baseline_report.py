"""The comparisons of a run with the deployed model, as page, report and API show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.deployment.models import Deployment
from portal.devices.models import Device
from portal.jobs.models import Status
from portal.runs.graph import Graph
from portal.runs.models import Baseline
from portal.runs.parity import CHANCE
from workers.datakit.scoring.intervals import chance_of


@dataclass(frozen=True)
class Compared:
    """Both models on one set of images. Values are of the task's metric, fractions; ``lost`` and ``gained``
    count the images that the new model got worse or better. ``by_chance``: the difference may be chance.
    ``is_mixed``: the metric says the opposite of the number of images.
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
    is_mixed: bool

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
            is_mixed=((figures["after"] or 0) - (figures["before"] or 0)) * (gained - lost) < 0,
        )


@dataclass(frozen=True)
class Comparison:
    """``held_out`` are the measured images without those from boards, which are ``from_boards``; None until
    measured. ``in_training`` images from boards are in the training split, and ``known`` measured images were
    in an earlier one: neither model is judged by them. ``release_now`` is what the device runs since then, or
    empty if it is still this release or the device is gone.
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
    compared_at: datetime | None
    release_now: str


def of(graph: Graph) -> list[Comparison]:
    devices = _devices(graph)
    return [_comparison(row, devices.get(row.release)) for row in graph.baselines]


def _devices(graph: Graph) -> dict[str, Device]:
    """By release: the device that the compared model was deployed to."""
    releases = [row.release for row in graph.baselines if row.release]
    if not releases:
        return {}
    rows = Deployment.objects.filter(release__in=releases, device__team=graph.run.team_id)
    return {row.release: row.device for row in rows.select_related("device").order_by("pk")}


def _comparison(row: Baseline, device: Device | None) -> Comparison:
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
        compared_at=job.finished_at if job and figures else None,
        release_now=_other_release(row, device),
    )


def _other_release(row: Baseline, device: Device | None) -> str:
    current = device.current_release if device else None
    return current if current and current != row.release else ""
