"""Celery tasks."""

from collections import defaultdict

from portal.celery import app
from portal.core import asking, broker
from portal.core.slots import Slots
from portal.devices import health_history, inference_images, sitekey
from portal.devices import watch as watching
from portal.jobs import sites

ROUND_EXPIRES = 60.0  # then the next round is due
_rounds: defaultdict[str, Slots] = defaultdict(lambda: Slots(1))


@app.task
def watch(site: str = "") -> None:
    """Before: devices that were not checked for a while, inferences whose upload was interrupted.

    After: each device was checked, each such inference removed. Devices at a site are left to its workers.
    One round of a site at a time in each worker: boards that do not respond prolong it. If there is much to
    do, other workers are called to help.
    """
    with _rounds[site].take() as got:
        if not got:
            return
        if not site:
            _call_sites()
            inference_images.sweep()
        watching.watch(site, on_full=lambda: _call(site))
        if not site:
            health_history.sweep()


def _call(site: str) -> None:
    broker.send(watch.name, [site] if site else [], sites.queue_at("errands", site), ROUND_EXPIRES)


def _call_sites() -> None:
    served = sites.served()
    for site in watching.sites_due():
        if sites.queue_at("errands", site) in served:
            _call(site)


@app.task
def read_host_key(name: str, host: str, port: int, jump: int | None) -> None:
    """Before: a person waits for the host key of a board at this worker's site. After: it is told."""
    asking.answer(name, sitekey.read(host, port, jump))
