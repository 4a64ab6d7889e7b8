"""Sites: places with boards that only some workers can reach.

A job for a board at a site waits in a queue of that site: ``deploy.harbour``. A worker with SITES=harbour
takes the queues of that site in place of those that it was started for, as far as they lead to boards.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from portal.jobs.models import Worker
from workers.contract.messages import msg

BOARD_QUEUES = ("deploy", "camera", "errands")  # whose work leads to boards
NO_SITE = "none"  # in SITES: the boards without a site
LOST_AFTER = timedelta(seconds=60)  # without a word, a worker counts as gone


def queue_at(base: str, site: str) -> str:
    return f"{base}.{site}" if site else base


def base_of(queue: str) -> str:
    return queue.partition(".")[0]


def site_of(queue: str) -> str:
    """Empty for a queue of no site."""
    return queue.partition(".")[2]


def queues_of(names: Iterable[str], here: list[str]) -> list[str]:
    """The queues that a worker takes that was started for ``names`` and serves the sites ``here``."""
    found = []
    for name in names:
        if here and name in BOARD_QUEUES:
            found += [queue_at(name, "" if site == NO_SITE else site) for site in here]
        else:
            found.append(name)
    return found


def on_set_up(instance=None, **kwargs) -> None:
    """Run by Celery's main process before it takes jobs."""
    queues = instance.app.amqp.queues
    started_for = list(queues.consume_from)
    queues.select(queues_of(started_for, settings.SITES))


def served() -> set[str]:
    """The queues that a worker takes now."""
    alive = Worker.objects.filter(seen_at__gte=timezone.now() - LOST_AFTER, is_stopping=False)
    return {name for queues in alive.values_list("queues", flat=True) for name in queues}


def unserved(queues: Iterable[str]) -> set[str]:
    """Those of a site that no worker takes. Without a queue of a site, nothing is asked of the database."""
    at_sites = {queue for queue in queues if site_of(queue)}
    return at_sites - served() if at_sites else set()


def problem_of(queue: str) -> str:
    """Why its jobs wait: a sentence; empty if a worker takes it, or if it is of no site."""
    return sentence(queue) if unserved([queue]) else ""


def sentence(queue: str) -> str:
    return msg(
        "No worker serves the site {site}: start one there with SITES={site} for the queue {queue}.",
        site=site_of(queue),
        queue=base_of(queue),
    )
