"""Tags as people type them: the words by which a team finds its runs and devices."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from portal.core.names import one_line

TAG_LENGTH = 40
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
        raise ValidationError(_("Give at most %(most)d tags.") % {"most": TAGS_AT_MOST})
    return list(found.values())


def split(text: str) -> list[str]:
    """``"a, b，c"`` → ``["a", "b", "c"]``, cleaned; the Chinese comma separates too."""
    return clean(re.split("[,，、;；\n]", text))
