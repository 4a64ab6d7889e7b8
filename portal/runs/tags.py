"""Tags: the words by which a team finds its runs."""

from __future__ import annotations

from portal.core.tags import TAGS_AT_MOST, clean, split
from portal.runs.models import Run, Tag

__all__ = ["TAGS_AT_MOST", "clean", "set_tags", "split", "sweep"]


def set_tags(run: Run, names: list[str]) -> None:
    """Set a run's tags; an existing tag that differs only in case is reused with its spelling.

    ``names`` are clean. Tags without runs are removed.
    """
    known = {tag.name.casefold(): tag for tag in Tag.objects.for_team(run.team)}
    chosen = [
        known.get(name.casefold()) or Tag.objects.get_or_create(team=run.team, name=name)[0] for name in names
    ]
    run.tags.set(chosen)
    sweep(run.team)


def sweep(team) -> None:
    """Remove the tags without runs."""
    Tag.objects.for_team(team).filter(runs=None).delete()
