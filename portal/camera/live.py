"""The job that reads a device's camera for everybody who watches it, with the predictions of its release.

At most one runs per device. It ends by itself when nobody watches, and at once when another job needs the
device: deployments and inferences never wait for somebody who looks.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from django.db import transaction

from portal import tasks
from portal.camera import black, comparing, origins
from portal.camera.models import LiveView
from portal.core.relay import Publisher
from portal.devices import releases, running, seen
from portal.devices.camera_stream import CameraStream, Frame
from portal.devices.models import Device
from portal.devices.services import connect
from portal.jobs import services as jobs
from portal.jobs import sites
from portal.jobs.context import JobContext
from portal.jobs.models import ACTIVE, Job, NothingLeft, Status
from portal.teams import audit
from workers.contract.messages import msg

KIND = "live"
UNWATCHED_SECONDS = 10.0
LONGEST_SECONDS = 3000.0  # watchers who still look start the next one
LOOK_SECONDS = 1.0  # between looks at the queue, and offers for review
BLACK_SECONDS = 3.0


def channel_of(device_id: int) -> str:
    return f"slipway:camera:{device_id}"


@transaction.atomic
def start(device: Device, user) -> LiveView:
    """The running or queued view of the device; a new one if there is none. Raises QuotaReached, and
    Device.DoesNotExist if it was deleted meanwhile.
    """
    Device.objects.select_for_update().get(pk=device.pk)  # two people must not start two
    known = current(device)
    if known is not None:
        return known
    jobs.refuse_if_full(device.team)
    job = jobs.submit(KIND, device.team, user, **device.lane)
    audit.record("device.live", device, actor=user)
    return LiveView.objects.create(device=device, job=job)


def current(device: Device) -> LiveView | None:
    return device.live_views.filter(job__status__in=ACTIVE).select_related("job").first()


def perform(job: Job, context: JobContext) -> dict:
    device = job.live_view.device
    profile = device.board_profile
    publisher = Publisher(channel_of(device.pk))
    context.phase(msg("connecting to {host}:{port}", host=device.host, port=device.port))
    try:
        with connect(device, context) as connection:
            release = running.read_current(connection, profile)
            running.record(device, release)
            folder = f"{profile.root}/releases/{release}" if release else ""
            with CameraStream(connection, profile, release=folder) as stream:
                context.phase(stream.ready["problem"] or msg("streaming"))
                watching = _Watching(device, release or "", stream, publisher)
                found = watching.run()
            compared = comparing.ask(
                watching.sample, device, connection, profile, release or "", context, watching.is_needed
            )
            return {**found, "compared": compared}
    finally:
        publisher.publish({"type": "ended"})
        publisher.close()


class _Watching:
    """One view: publishes frames until it has a reason to end."""

    def __init__(self, device: Device, release: str, stream: CameraStream, publisher: Publisher):
        self._device, self._release = device, release
        self._stream, self._publisher = stream, publisher
        known = releases.known(device, {release}).get(release)
        facts = {
            "release": release,
            "model": known.name if known else "",
            "problem": bool(stream.ready["problem"]),
        }
        self._facts: dict[str, Any] = {**stream.ready, **facts}
        self._began = self._watched_at = time.monotonic()
        self._looked_at = self._black_at = 0.0
        self._frames = 0
        self.sample = comparing.Sample(device)

    def is_needed(self) -> bool:
        """Whether the board must be left to others: another job, or somebody who wants to watch again."""
        return needed_by_another(self._device) or self._publisher.publish({"type": "idle"}) > 0

    def run(self) -> dict:
        while True:
            reason = self._pass_on(self._stream.next())
            if reason:
                seconds = round(time.monotonic() - self._began, 1)
                return {"frames": self._frames, "seconds": seconds, "ended": reason}

    def _pass_on(self, frame: Frame) -> str:
        """Publish a frame; return why the view ends, or an empty text."""
        now = time.monotonic()
        self._frames += 1
        if self._publisher.publish(self._head(frame, now), frame.jpeg):
            self._watched_at = now
        elif now - self._watched_at > UNWATCHED_SECONDS:
            return msg("nobody watched")
        if now - self._began > LONGEST_SECONDS:
            return msg("the time limit was reached")
        if now - self._looked_at < LOOK_SECONDS:
            return ""
        self._looked_at = now
        self._offer(frame)
        self.sample.offer(frame)
        return msg("another job needed the device") if needed_by_another(self._device) else ""

    def _head(self, frame: Frame, now: float) -> dict[str, Any]:
        if now - self._black_at > BLACK_SECONDS:
            self._black_at = now
            self._facts["black"] = black.is_black(frame.jpeg)
        signed = origins.sign(frame.jpeg, self._device.pk, self._release)
        return {**self._facts, **frame.fields, "type": "frame", "origin": signed}

    def _offer(self, frame: Frame) -> None:
        """Offer a frame for review, if anybody would keep it."""
        task = frame.fields.get("task")
        if task is None or not seen.wants(self._device):
            return
        name = f"live-{frame.fields['number']:06d}.jpg"
        image = seen.Seen(name, tasks.get(task).kept(frame.fields), partial(bytes, frame.jpeg))
        seen.offer(self._device, task, self._release, [image], source=seen.LIVE)


def needed_by_another(device: Device) -> bool:
    """Whether another job waits for the device."""
    waiting = Job.objects.filter(team=device.team, resource=device.resource, status=Status.QUEUED)
    return waiting.exclude(kind=KIND).exists()


def replace(old: Job, new: Job) -> None:
    if not LiveView.objects.filter(job=old).update(job=new):
        raise NothingLeft(old)


def after(job: Job) -> None:
    """Wake what waited for the device."""
    jobs.wake(sites.queue_at("deploy", sites.site_of(job.queue)))
