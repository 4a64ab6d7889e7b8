"""Which rule applies to a device, and which of its images a rule keeps."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal import tasks
from portal.devices.models import Device
from portal.devices.seen import Seen
from portal.review.models import Rule
from portal.tasks.figures import Thresholds
from portal.teams import audit
from portal.teams.models import Team
from workers.contract.messages import msg

UNSURE, CLOSE, EVERY, CHANGED = "unsure", "close", "every", "changed"
REASONS = {
    UNSURE: _("low score"),
    CLOSE: _("between two classes"),
    EVERY: _("sampled"),
    CHANGED: _("differs from the previous release"),
}
CONDITIONS = ("below", "margin", "every", "changed")


def of(device: Device) -> Rule | None:
    """The device's own rule, else the team's; None without one that keeps anything."""
    rows = Rule.objects.for_team(device.team_id).select_related("dataset")
    found = {row.device_id: row for row in rows.filter(Q(device=device) | Q(device=None))}
    rule = found.get(device.pk) or found.get(None)
    return rule if rule is not None and rule.keeps_any else None


def reasons(rule: Rule, task: tasks.Task, image: Seen, number: int, thresholds: Thresholds) -> list[str]:
    """Why the rule keeps an image, the ``number``-th that it sees; empty if it does not."""
    changed = (
        rule.changed and image.before is not None and task.differ(image.before, image.prediction, thresholds)
    )
    if image.is_comparison:
        return [CHANGED] if changed else []
    score = task.least_sure(image.prediction, thresholds)
    margin = None if rule.margin is None else task.margin(image.prediction, thresholds)
    met = {
        UNSURE: rule.below is not None and score is not None and score < rule.below,
        CLOSE: margin is not None and margin < rule.margin,
        EVERY: bool(rule.every) and number % rule.every == 0,
        CHANGED: changed,
    }
    return [reason for reason, is_met in met.items() if is_met]


@transaction.atomic
def put(team, user, device: Device | None, **fields: Any) -> Rule:
    """Set the rule of a device, or of all devices; this replaces the previous one."""
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)  # two people must not make two rules
    rule = Rule.objects.for_team(team).select_for_update().filter(device=device).first()
    rule = rule or Rule(team=team, created_by=user, device=device)
    for name, value in {**dict.fromkeys(("below", "margin", "every", "dataset")), **fields}.items():
        setattr(rule, name, value)
    rule.problem = ""
    rule.save()
    audit.record("review.rule", rule, actor=user, detail=_conditions(rule))
    return rule


@transaction.atomic
def remove(rule: Rule, user) -> None:
    audit.record("review.rule-remove", rule, actor=user)
    rule.delete()


def _conditions(rule: Rule) -> str:
    chosen = {name: getattr(rule, name) for name in CONDITIONS}
    texts = [f"{name}={value}" for name, value in chosen.items() if value not in (None, False)]
    return ", ".join(texts) or msg("keeps nothing")
