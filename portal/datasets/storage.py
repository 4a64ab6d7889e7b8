"""What a team has stored, against its quota."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Sum
from django.utils.translation import gettext as _

from portal.datasets.models import DatasetVersion, Pack, Upload
from portal.jobs.models import Artifact
from portal.teams import quotas
from workers.datakit.limits import human_bytes


@dataclass(frozen=True)
class Use:
    """Bytes: the images of datasets, each once however many versions have it; the files that jobs made of
    them; and uploads: those that are no dataset yet, at the size that was announced, and those that are
    being checked or were refused."""

    datasets: int
    artifacts: int
    uploads: int

    @property
    def total(self) -> int:
        return self.datasets + self.artifacts + self.uploads


def use_of(team) -> Use:
    # What a check made of an upload is counted as its dataset.
    files = Artifact.objects.filter(job__team=team).exclude(job__kind="ingest")
    return Use(
        datasets=_sum(Pack.objects.filter(dataset__team=team), "bytes"),
        artifacts=_sum(files, "size"),
        uploads=_sum(Upload.objects.for_team(team).waiting(), "length")
        + _sum(DatasetVersion.objects.for_team(team), "upload_bytes"),
    )


def _sum(rows, column: str) -> int:
    return rows.order_by().aggregate(sum=Sum(column))["sum"] or 0


def left(team) -> int | None:
    """Bytes that the team may still store; None when there is no quota."""
    most = quotas.limits(team).storage
    return None if most is None else max(0, most - use_of(team).total)


def refuse_if_full(team) -> None:
    """Raise QuotaReached when nothing is left for what a run would make."""
    if left(team) == 0:
        raise quotas.QuotaReached(
            _(
                "The team %(team)s has used all of its %(most)s of storage: remove datasets or discard "
                "unfinished uploads, or ask an administrator for more."
            )
            % {"team": team.name, "most": human_bytes(quotas.limits(team).storage)}
        )
