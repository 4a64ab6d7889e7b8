"""How much storage a team's datasets and uploads use."""

from __future__ import annotations

from django.db.models import Sum

from portal.datasets.models import DatasetVersion, Pack, Upload


def of_datasets(team) -> int:
    """Bytes of dataset images, each once however many versions have it, and of each version's index."""
    images = _sum(Pack.objects.filter(dataset__team=team), "bytes")
    return images + _sum(DatasetVersion.objects.for_team(team), "index_bytes")


def of_uploads(team) -> int:
    """Bytes of uploads: those that are not a dataset yet, at their declared size, and those that are being
    checked or were refused.
    """
    waiting = _sum(Upload.objects.for_team(team).waiting(), "length")
    return waiting + _sum(DatasetVersion.objects.for_team(team), "upload_bytes")


def _sum(rows, column: str) -> int:
    return rows.order_by().aggregate(sum=Sum(column))["sum"] or 0
