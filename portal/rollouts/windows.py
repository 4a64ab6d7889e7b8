"""The hours in which a rollout may change a board, in the board's own time zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from portal.rollouts.models import Rollout, Target


def is_open(rollout: Rollout, target: Target, now: datetime) -> bool:
    """Whether the rollout's window is open where the board is."""
    if rollout.opens is None or rollout.closes is None:
        return True
    time = now.astimezone(zone_of(target)).time()
    if rollout.opens <= rollout.closes:
        return rollout.opens <= time < rollout.closes
    return time >= rollout.opens or time < rollout.closes  # over midnight


def zone_of(target: Target) -> ZoneInfo:
    """The time zone of the device's first group that has one, else the server's."""
    names = (group.time_zone for group in target.device.groups.all())
    return ZoneInfo(next(filter(None, names), settings.TIME_ZONE))
