"""Tags: the words by which a team finds its runs."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from portal.core.names import one_line
from portal.runs.models import TAG_LENGTH, Run, Tag

TAGS_AT_MOST = 20


def clean(names: list[str]) -> list[str]:
    """The names, stripped and without duplicates; raise ValidationError with a sentence."""
    found: dict[str, str] = {}
    for name in names:
        name = " ".join(name.split())
        if not name:
            continue
        one_line(name)
        if "," in name or len(name) > TAG_LENGTH:
            raise ValidationError(
                _("A tag has up to %(most)d characters and no comma: shorten “%(name)s”.")
                % {"most": TAG_LENGTH, "name": name[:60]}
            )
        found.setdefault(name.casefold(), name)
    if len(found) > TAGS_AT_MOST:
        raise ValidationError(_("A run has up to %(most)d tags.") % {"most": TAGS_AT_MOST})
    return list(found.values())


def split(text: str) -> list[str]:
    """``"a, b，c"`` → ``["a", "b", "c"]``, cleaned; the Chinese comma separates too."""
    return clean(re.split("[,，、;；\n]", text))


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
