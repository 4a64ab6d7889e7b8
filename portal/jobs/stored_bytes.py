"""How much storage the files of a team's jobs use."""

from __future__ import annotations

from django.db.models import Sum

from portal.jobs import kinds
from portal.jobs.models import Artifact, Checkpoint


def of_files(team) -> int:
    """Bytes of job files, without those that another app counts, and of checkpoints of running jobs."""
    elsewhere = [kind.name for kind in kinds.all_kinds() if not kind.counts_files]
    files = Artifact.objects.filter(job__team=team).exclude(job__kind__in=elsewhere)
    return _sum(files) + _sum(Checkpoint.objects.filter(job__team=team))


def _sum(rows) -> int:
    return rows.order_by().aggregate(sum=Sum("size"))["sum"] or 0
