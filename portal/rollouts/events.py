"""The events of rollouts."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.notify.events import Event, Facts, absolute
from portal.notify.events import register as register_event


def register() -> None:
    for name, title, sentence, icon, colour in (
        ("rollout.halted", _("A rollout was halted"), _("The rollout %(name)s was halted: %(message)s"),
         "x-octagon-fill", "danger"),
        ("rollout.waiting", _("A rollout waits for approval"), 
         _("The rollout %(name)s waits for approval of its next wave."),
         "question-circle-fill", "warning"),
        ("rollout.finished", _("A rollout has ended"), _("The rollout %(name)s has ended."),
         "check-circle-fill", "success"),
    ):  # fmt: skip
        register_event(Event(name, title, sentence, icon, _describe, colour=colour))


def _describe(rollout) -> Facts:
    path = rollout.get_absolute_url()
    data = {
        "id": rollout.pk, "name": rollout.name, "status": rollout.status, "message": rollout.message,
        "wave": rollout.wave, "waves": rollout.waves, "model": rollout.model_id, "url": absolute(path),
    }  # fmt: skip
    return Facts(
        {"name": rollout.name, "message": rollout.message}, path, rollout.created_by_id, {"rollout": data}
    )
