"""Deployment policies: set, removed, in words, and whether any model meets them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from portal import tasks
from portal.core import configs
from portal.core.messages import word
from portal.deployment.gate import Gate, figures_of, judge
from portal.deployment.models import Policy
from portal.models.limits import points
from portal.models.models import CompiledModel
from portal.tasks.doubts import percent
from portal.teams import audit
from portal.teams.models import Team
from workers.contract.messages import Message, join, msg

LOOKED_AT = 40  # newest compiled models of the team


@transaction.atomic
def put(team: Team, user, *, task: str, chip: str = "", **wanted: Any) -> tuple[Policy, bool]:
    """Set the policy for a task and chip, or for all chips; return it, and whether it is new.

    Omitted limits are not required any more.
    """
    wanted = {name: wanted.get(name) for name in Policy.LIMITS} | {"no_cpu": bool(wanted.get("no_cpu"))}
    policy, made = Policy.objects.update_or_create(
        team=team, task=task, chip=chip, defaults=wanted, create_defaults={**wanted, "created_by": user}
    )
    audit.record("policy.set", policy, actor=user, label=title(policy), detail=join(words(policy), "; "))
    return policy, made


@transaction.atomic
def remove(policy: Policy, user) -> None:
    audit.record("policy.remove", policy, actor=user, label=title(policy))
    policy.delete()


def title(policy: Policy) -> Message:
    task = tasks.get(policy.task).title
    if not policy.chip:
        return msg("{task}, all chips", task=task)
    return msg("{task}, {chip}", task=task, chip=configs.title(configs.chips(), policy.chip))


def words(policy: Policy) -> list[Message]:
    """Each limit as a phrase."""
    limits, metric = policy.limits, word(tasks.get(policy.task).metric_title)
    phrases = {
        "max_drop": lambda it: msg("drop in points at most {points}", points=points(it)),
        "fail_under": lambda it: msg("{metric} at least {share}", metric=metric, share=percent(it)),
        "fail_class_under": lambda it: msg("each class at least {share}", share=percent(it)),
        "max_memory_mb": lambda it: msg("at most {size} MB of memory", size=f"{it:g}"),
        "max_ms": lambda it: msg("at most {time} ms for one image", time=f"{it:g}"),
        "no_cpu": lambda it: msg("nothing on the CPU"),
    }
    return [phrases[name](limit) for name, limit in limits.items()] or [msg("no limits")]


@dataclass(frozen=True)
class Standing:
    """How the team's newest models do under a policy: ``passing`` of ``models``."""

    policy: Policy
    gates: list[Gate]

    @property
    def models(self) -> int:
        return len(self.gates)

    @property
    def passing(self) -> int:
        return sum(gate.passed for gate in self.gates)

    @property
    def warning(self) -> Message | str:
        """Said if no model meets the policy, with the reasons of the one that misses least."""
        if not self.gates or self.passing:
            return ""
        closest = min(self.gates, key=lambda gate: len(gate.misses))
        told = msg(
            "No compiled model meets this policy ({count} checked): nothing can be deployed without an "
            "exception.",
            count=self.models,
        )
        return join([told, msg("The closest:"), closest.reasons])


def standings(team: Team, policies: Iterable[Policy]) -> list[Standing]:
    """One for each policy, in two queries."""
    policies = list(policies)
    if not policies:
        return []
    rows = CompiledModel.objects.for_team(team).ready().select_related("model")[:LOOKED_AT]
    figures = figures_of(rows)
    specific = {(policy.task, policy.chip) for policy in policies if policy.chip}
    return [
        Standing(
            policy, [judge(row, policy, figures[row.pk]) for row in rows if _applies(policy, row, specific)]
        )
        for policy in policies
    ]


def _applies(policy: Policy, row: CompiledModel, specific: set[tuple[str, str]]) -> bool:
    if policy.task != row.model.task:
        return False
    return policy.chip == row.chip if policy.chip else (row.model.task, row.chip) not in specific
