"""The event of a quantization search's end."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.compilation.models import QuantizationSearch
from portal.notify.events import Event, Facts, absolute
from portal.notify.events import register as register_event
from portal.notify.models import Audience


def register() -> None:
    register_event(
        Event(
            "quantization.finished",
            _("A quantization search has ended"),
            _("The quantization search of %(name)s has ended: %(message)s"),
            "search",
            _describe,
            portal=Audience.MINE,
        )
    )


def _describe(search: QuantizationSearch) -> Facts:
    path = reverse("model-variants", args=[search.model_id])
    data = {
        "id": search.pk, "model": search.model_id, "chip": search.chip, "met": search.met,
        "allowed_drop": search.allowed_drop, "found": search.found_id, "outcome": search.outcome,
        "url": absolute(path),
    }  # fmt: skip
    words = {"name": search.model.name, "message": search.outcome}
    return Facts(words, path, search.job.created_by_id, {"quantization_search": data})
