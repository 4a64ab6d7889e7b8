"""The images of the review queue in storage, within its bound and the team's quota."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.core.files.storage import default_storage
from django.db.models import F, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.jobs.models import Status
from portal.review.models import Item, Rule, State
from portal.teams.quota_usage import StoragePart

logger = logging.getLogger(__name__)
MIB = 1024 * 1024
UNDO_FOR = timedelta(days=1)  # how long a discarded image can be brought back
KNOWN_FOR = timedelta(days=90)  # how long an image is known, so that it is not kept a second time
SWEPT = 1000  # rows at a time


def stored_bytes(team) -> int:
    rows = Item.objects.for_team(team).exclude(file="")
    return rows.order_by().aggregate(sum=Sum("bytes"))["sum"] or 0


PART = StoragePart("review", _("Images from devices to review"), stored_bytes)


def new_name(team_id: int, suffix: str) -> str:
    return f"review/{team_id}/{uuid.uuid4().hex}{suffix}"


def make_room(rule: Rule, device, size: int) -> None:
    """Let the oldest images of a device go until one of ``size`` bytes fits; discarded ones go first."""
    rows = Item.objects.for_team(rule.team_id).queued().filter(device=device)
    there = list(rows.order_by("state", "id").values_list("pk", "bytes", "state"))
    total, count = sum(row[1] for row in there), len(there)
    gone = []
    for pk, one, state in there:  # "discarded" sorts before "waiting"
        if count < rule.most_images and total + size <= rule.most_mib * MIB:
            break
        gone.append((pk, state))
        count, total = count - 1, total - one
    if not gone:
        return
    drop(Item.objects.filter(pk__in=[pk for pk, _state in gone]))
    lost = sum(state == State.WAITING for _pk, state in gone)
    if lost:
        Rule.objects.filter(pk=rule.pk).update(dropped=F("dropped") + lost)


def drop(rows) -> None:
    """Remove rows with their files. The rows go first: a file without a row is only space."""
    names = [name for name in rows.values_list("file", flat=True) if name]
    rows.delete()
    remove_files(names)


def remove_files(names: Iterable[str]) -> None:
    for name in names:
        try:
            default_storage.delete(name)
        except OSError:
            logger.exception("%s of the review queue could not be removed", name)


def sweep() -> None:
    """Remove discarded images after a day, the files of those that are in a version, and rows long known."""
    now = timezone.now()
    ids = Item.objects.filter(state=State.DISCARDED, decided_at__lt=now - UNDO_FOR).values("pk")[:SWEPT]
    drop(Item.objects.filter(pk__in=list(ids.values_list("pk", flat=True))))
    arrived = Item.objects.filter(
        state=State.ACCEPTED, version__job__status=Status.SUCCEEDED, version__deleted_at=None
    )
    done = list(arrived.exclude(file="").values_list("pk", "file")[:SWEPT])
    Item.objects.filter(pk__in=[pk for pk, _name in done]).update(file="", bytes=0)
    remove_files(name for _pk, name in done)
    Item.objects.filter(file="", decided_at__lt=now - KNOWN_FOR).delete()
