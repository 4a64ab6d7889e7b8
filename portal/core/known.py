"""Names that a call may use: fields of its body, parameters of its address. Any other is refused by name.

What is dropped in silence seems to have worked: a filter that was misspelt shows everything.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping

from rest_framework.exceptions import ValidationError

from portal.core.echoes import shortened
from portal.core.messages import shown
from workers.contract.messages import Message, msg

LISTED = 20  # names of what there is, in one sentence


def refuse_unknown_fields(
    names: Iterable[str], known: Collection[str], inside: Mapping[str, Collection[str]] | None = None
) -> None:
    """Raise ValidationError for the names that are not known, with the nearest one that is.

    ``inside`` says which names stand in an object that a known field holds.
    """
    _refuse({name: _no_field(name, known, inside or {}) for name in names if name not in known})


def refuse_unknown_parameters(names: Iterable[str], known: Collection[str]) -> None:
    """The same for the query of an address."""
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
