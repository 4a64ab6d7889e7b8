"""Counts of related rows for pages of lists."""

from django.db.models import Count, Subquery
from django.db.models.functions import Coalesce


def counted(rows, relation: str) -> Coalesce:
    """The number of ``rows`` whose ``relation`` is the outer query's row; ``rows`` are filtered by it.

    A page of a list then counts for its own rows only. ``annotate(Count(…))`` joins and groups every row of
    the list before the page is cut.
    """
    counts = rows.order_by().values(relation).annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counts), 0)
