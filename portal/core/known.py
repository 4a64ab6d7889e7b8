"""Rejects unknown body fields and query parameters by name.

An ignored name seems to work: a misspelt filter would show everything.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping

from rest_framework.exceptions import ValidationError

from portal.core.echoes import shortened
from portal.core.messages import shown
from workers.contract.messages import Message, msg

LISTED = 20  # known names listed in one sentence


def refuse_unknown_fields(
    names: Iterable[str], known: Collection[str], inside: Mapping[str, Collection[str]] | None = None
) -> None:
    """Raise ValidationError for unknown names, with the nearest known one.

    ``inside`` lists the names allowed in the object that a known field holds.
    """
    _refuse({name: _no_field(name, known, inside or {}) for name in names if name not in known})


def refuse_unknown_parameters(names: Iterable[str], known: Collection[str]) -> None:
    """The same for the query parameters."""
    _refuse({name: _no_parameter(name, known) for name in names if name not in known})


def _refuse(found: dict[str, Message]) -> None:
    if found:
        raise ValidationError({name: [shown(sentence)] for name, sentence in found.items()})


def _no_field(name: str, known: Collection[str], inside: Mapping[str, Collection[str]]) -> Message:
    short, near = shortened(name), _nearest(name, known)
    for field, names in inside.items():
        if name in names:
            return msg("“{name}” belongs in “{field}”: put it there.", name=short, field=field)
    if near:
        return msg("There is no field “{name}” here: did you mean “{near}”?", name=short, near=near)
    if not known:
        return msg("This call takes no fields: leave “{name}” out.", name=short)
    listed = sorted(known)[:LISTED]
    return msg("There is no field “{name}” here. The fields are {names}.", name=short, names=listed)


def _no_parameter(name: str, known: Collection[str]) -> Message:
    short, near = shortened(name), _nearest(name, known)
    if near:
        return msg("There is no parameter “{name}” here: did you mean “{near}”?", name=short, near=near)
    if not known:
        return msg("This call takes no parameters: leave “{name}” out.", name=short)
    listed = sorted(known)[:LISTED]
    return msg("There is no parameter “{name}” here. The parameters are {names}.", name=short, names=listed)


def _nearest(name: str, known: Collection[str]) -> str:
    return next(iter(difflib.get_close_matches(name[:60], known, n=1)), "")
