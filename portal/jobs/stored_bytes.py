"""What the files of a team's jobs take in storage."""

from __future__ import annotations

from django.db.models import Sum

from portal.jobs import kinds
from portal.jobs.models import Artifact


def of_artifacts(team) -> int:
    """Bytes of the files that jobs made, but for those that another app counts as its own."""
    elsewhere = [kind.name for kind in kinds.all_kinds() if not kind.counts_files]
    files = Artifact.objects.filter(job__team=team).exclude(job__kind__in=elsewhere)
    return files.order_by().aggregate(sum=Sum("size"))["sum"] or 0
