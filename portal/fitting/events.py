"""The event of a search's end."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.fitting.models import FitSearch
from portal.notify.events import Event, Facts, absolute
from portal.notify.events import register as register_event
from portal.notify.models import Audience


def register() -> None:
    register_event(
        Event(
            "fit.finished",
            _("A search for a fitting model has ended"),
            _("The search %(name)s has ended: %(message)s"),
            "bullseye",
            _describe,
            portal=Audience.MINE,
            colour="success",
        )
    )


def _describe(search: FitSearch) -> Facts:
    path = search.get_absolute_url()
    winner = search.winner
    data = {
        "id": search.pk, "name": search.name, "chip": search.chip, "met": search.met,
        "outcome": search.outcome, "dataset_version": search.dataset_version_id,
        "winner": winner and {"recipe": winner.recipe, "input_size": winner.size}, "url": absolute(path),
    }  # fmt: skip
    words = {"name": search.name, "message": search.outcome}
    return Facts(words, path, search.created_by_id, {"fit_search": data})
