"""Reads the host key of a board at a site: a worker there looks, and the web process waits for it."""

from __future__ import annotations

from django.conf import settings

from portal.core import asking
from portal.core.encryption import WrongKey
from portal.devices.credentials import jump_of
from portal.devices.errors import BoardError, Unreachable
from portal.devices.hostkeys import HostKey
from portal.devices.jumping import fetch_host_key
from portal.devices.models import JumpHost
from portal.devices.shownkey import SECONDS
from portal.jobs import sites
from workers.contract.messages import msg

TASK = "portal.devices.tasks.read_host_key"
QUEUE = "errands"


class SiteUnserved(Unreachable):
    """No worker serves the board's site."""

    code = "site-unserved"


def refuse_unserved(site: str) -> None:
    """Raises SiteUnserved."""
    if sentence := sites.problem_of(sites.queue_at(QUEUE, site)):
        raise SiteUnserved(sentence, momentary=False)


def ask(site: str, host: str, port: int, jump: JumpHost | None = None) -> HostKey:
    """The key as a worker of the site sees it. Raises BoardError."""
    queue = sites.queue_at(QUEUE, site)
    found = asking.ask(TASK, [host, port, jump.pk if jump else None], queue, SECONDS)
    if found is None:
        raise Unreachable(
            msg("The workers of the site {site} gave no answer in time: try again in a minute.", site=site)
        )
    if "problem" in found:
        raise BoardError(found["problem"])
    return HostKey.parse(found["key"])


def read(host: str, port: int, jump: int | None) -> dict[str, str]:
    """What ``ask`` waits for, on the worker: the ``key``, or the ``problem`` in a sentence."""
    try:
        row = JumpHost.objects.get(pk=jump) if jump is not None else None
        way = {"jump": jump_of(row)} if row is not None else {}
        return {"key": str(fetch_host_key(host, port, settings.SSH_TIMEOUT_SECONDS, **way))}
    except JumpHost.DoesNotExist:
        return {"problem": msg("The jump host was removed meanwhile: choose another one, or none.")}
    except (BoardError, WrongKey) as error:
        return {"problem": error.args[0]}
