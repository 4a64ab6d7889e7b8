"""Sends the waiting jobs of a device to the workers of another site."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.db.models import Q

from portal.devices.models import Device
from portal.jobs import services as jobs
from portal.jobs import sites
from portal.jobs.filters import JobFilter
from portal.jobs.models import Job, Status


def reroute(device: Device) -> None:
    """Before: its queued jobs wait for workers of its earlier site. After: for those of its present one.

    Call it in the transaction that changes the site.
    """
    paths = JobFilter.base_filters["device"].paths
    mine = reduce(or_, (Q(**{path: device}) for path in paths))
    ids = set(Job.objects.filter(mine, status=Status.QUEUED).values_list("pk", flat=True))
    for job in Job.objects.filter(pk__in=ids):
        queue = sites.queue_at(sites.base_of(job.queue), device.site)
        # A worker may have taken it meanwhile.
        waiting = Job.objects.filter(pk=job.pk, status=Status.QUEUED)
        if waiting.update(queue=queue, resource=device.resource):
            job.queue = queue
            jobs.enqueue(job)
